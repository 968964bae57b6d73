/**
 * @file Reads tar archives (ustar, and the older ones that it extends): regular files and folders, nothing
 * else.
 */
import { UserError } from '../util/errors.ts'

export interface TarFile {
  /** The path with slashes. It is never absolute and never leads upwards. */
  name: string
  content: Uint8Array
}

const BLOCK = 512
/** The most bytes of one file, since its content is held in memory. */
const LARGEST = 1 << 30

/**
 * Yields the files in an archive, as its bytes come in. Throws UserError where the archive is damaged, ends
 * early, or holds links, devices or a name that would leave the folder that it is unpacked into. `source` is
 * what messages call it.
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

/** Turns pieces of any length into blocks of the lengths that are asked for. */
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
    const pieces = [this.#rest]
    let available = this.#rest.length
    while (available < length) {
      const { done, value } = await this.#pieces.next()
      if (done) return undefined
      pieces.push(value)
      available += value.length
    }
    const all = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
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

/** The text of a field, which ends at its first zero byte. */
function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** The octal number in a field; NaN where it holds none. */
function octal(bytes: Uint8Array, from: number, length: number): number {
  const digits = text(bytes, from, length).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

/** The sum of the header's bytes, where the bytes of its checksum field count as spaces. */
const checksum = (header: Uint8Array) => header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0)
