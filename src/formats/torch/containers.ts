/**
 * @file The two layouts of PyTorch's checkpoints. Since version 1.6 `torch.save` writes a zip archive of a
 * pickle and the storages that it names, uncompressed; before, five pickles in a row (magic number, version,
 * machine, the object, keys of storages), then the storages.
 */
import { unzipSync } from 'fflate'
import { UserError } from '../../util/errors.ts'
import { unpickle } from './pickle.ts'
import type { Storage } from './storage.ts'
import type { PickleValue } from './values.ts'
import { torchWorld } from './world.ts'

const ZIP = [0x50, 0x4b, 0x03, 0x04]
/** What is read of an archive: TorchScript has its code beside it, compressed. */
const MEMBER = /^([^/]+\/)?(data\.pkl|byteorder|data\/[^/]+)$/
/** The number that older files begin with. */
const MAGIC = '119547037146038801333356'
/** Bytes of its pickle, at most. */
const MAGIC_LENGTH = 64

export const isZip = (bytes: Uint8Array): boolean => ZIP.every((byte, i) => bytes[i] === byte)

/** Whether a file begins as those from before version 1.6 do, in whatever protocol of pickle. */
export function isLegacy(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x80 && bytes[0] !== 0x4c) return false
  try {
    const world = { make: {}, persistent: () => null }
    return unpickle(bytes.subarray(0, MAGIC_LENGTH), 0, world, '').value === MAGIC
  } catch {
    return false
  }
}

/** What makes an error of what is wrong with a file. */
const failing = (source: string) => (what: string) =>
  new UserError(`${source} is no PyTorch checkpoint that can be read: ${what}`)

export function readLegacy(bytes: Uint8Array, source: string): PickleValue {
  const fail = failing(source)
  const storages = new Map<string, Storage>()
  const world = torchWorld(storages, source, bytes.length)
  let at = 0
  const next = () => {
    const { value, end } = unpickle(bytes, at, world, source)
    at = end
    return value
  }
  if (next() !== MAGIC) throw fail('it does not begin with the magic number')
  // The version of the format, and what machine it was.
  next()
  next()
  const object = next()
  const keys = next()
  if (!Array.isArray(keys)) throw fail('expected a list of storages after its object')
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (!storage) throw fail('one of its storages belongs to no tensor')
    const { size } = storage
    if (size === undefined) throw fail(`its storage ${storage.key} is of the unknown type ${storage.type}`)
    // The number of elements comes first.
    if (at + 8 + size > bytes.length) throw fail(`it ends within its storage ${storage.key}`)
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true))
    if (length !== storage.length)
      throw fail(`its storage ${storage.key} has ${length} elements, expected ${storage.length}`)
    storage.bytes = bytes.subarray(at + 8, at + 8 + size)
    at += 8 + size
  }
  checkComplete(storages, fail)
  return object
}

export function readZip(bytes: Uint8Array, source: string): PickleValue {
  const fail = failing(source)
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes, {
      filter: ({ name, compression }) => {
        if (!MEMBER.test(name)) return false
        if (compression !== 0) throw fail(`${name} is compressed, which torch.save never does`)
        return true
      },
    })
  } catch (error) {
    throw error instanceof UserError ? error : fail('its zip archive is damaged')
  }
  const [pickle, second] = Object.keys(files).filter((name) => /(^|\/)data\.pkl$/.test(name))
  if (pickle === undefined) throw fail('its zip archive holds no data.pkl')
  if (second !== undefined) throw fail(`its zip archive holds ${pickle} and ${second}, expected one of them`)
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = files[`${folder}byteorder`]
  if (order && new TextDecoder().decode(order) !== 'little') throw fail('its numbers are not little-endian')
  const storages = new Map<string, Storage>()
  const { value } = unpickle(files[pickle], 0, torchWorld(storages, source, bytes.length), source)
  for (const storage of storages.values()) {
    const data = files[`${folder}data/${storage.key}`]
    if (data && data.length === (storage.size ?? data.length)) storage.bytes = data
  }
  checkComplete(storages, fail)
  return value
}

function checkComplete(storages: ReadonlyMap<string, Storage>, fail: (what: string) => UserError): void {
  for (const { key, bytes } of storages.values()) if (!bytes) throw fail(`its storage ${key} is missing`)
}
