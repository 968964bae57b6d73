/**
 * @file Reads tar archives (ustar, and the older ones that it extends): regular files and folders, nothing
 * else.
 */
import { UserError } from '../util/errors.ts'

export interface TarFile {
  /** With slashes; never absolute, never upwards. */
  name: string
  content: Uint8Array
}

const BLOCK = 512
/** Of one file: content is held in memory. */
const LARGEST = 1 << 30

/**
 * The files in an archive, as its bytes come in. Throws UserError where the archive is damaged, ends early,
 * holds links or devices, or a name that would leave the folder that it is unpacked into. `source` is what
 * messages call it.
 */
export async function* readTar(pieces: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<TarFile> {
  const fail = (message: string): never => {
    throw new UserError(`${source} is not a valid tar archive: ${message}`)
  }
  const input = new Blocks(pieces)
  for (;;) {
    const header = await input.take(BLOCK)
    if (!header) return fail('it ends without an end mark')
    if (header.every((byte) => byte === 0)) return
    if (octal(header, 148, 8) !== checksum(header)) fail('the checksum of an entry is wrong')
    const name = nameOf(header)
    const type = String.fromCharCode(header[156])
    const size = octal(header, 124, 12)
    if (!isInside(name)) fail(`an entry is named ${JSON.stringify(name)}, which leads out of its folder`)
    if (type === '5') continue
    if (type !== '0' && type !== '\0') fail(`${name} is of type ${JSON.stringify(type)}, expected a file or a folder`)
    if (!(size <= LARGEST)) fail(`${name} claims ${size} bytes`)
    const padded = await input.take(Math.ceil(size / BLOCK) * BLOCK)
    if (!padded) return fail(`it ends within ${name}`)
    yield { name, content: padded.subarray(0, size) }
  }
}

/** Pieces of any length, taken in any length. */
class Blocks {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /**
   * The next `length` bytes; undefined where fewer are left. Memory is taken as bytes arrive, not as they are
   * announced.
   */
  async take(length: number): Promise<Uint8Array | undefined> {
    const held = [this.#rest]
    let have = this.#rest.length
    while (have < length) {
      const { done, value } = await this.#pieces.next()
      if (done) return undefined
      held.push(value)
      have += value.length
    }
    const all = held.length === 1 ? held[0] : Buffer.concat(held)
    this.#rest = all.subarray(length)
    return all.subarray(0, length)
  }
}

function nameOf(header: Uint8Array): string {
  const name = text(header, 0, 100)
  const prefix = text(header, 257, 6) === 'ustar' ? text(header, 345, 155) : ''
  return prefix ? `${prefix}/${name}` : name
}

const isInside = (name: string) =>
  name !== '' && !/^\/|\\|^[a-z]:/i.test(name) && !name.split('/').some((part) => part === '..')

/** Up to the first zero byte. */
function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** NaN where it is no octal number. */
function octal(bytes: Uint8Array, from: number, length: number): number {
  const digits = text(bytes, from, length).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

/** The sum of the header's bytes, its checksum field taken as spaces. */
const checksum = (header: Uint8Array) => header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0)
