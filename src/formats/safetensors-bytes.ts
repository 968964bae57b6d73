/**
 * @file safetensors: an 8-byte little-endian header length, a JSON header (dtype, shape and byte range of
 * every tensor, and string metadata), then the bytes. Nothing in a file is trusted: every length is checked
 * before memory is taken.
 */
import { UserError } from '../util/errors.ts'

export const BYTES_PER = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const
export type DType = keyof typeof BYTES_PER

export interface StoredTensor {
  dtype: DType
  shape: readonly number[]
  /** Little-endian, row-major. */
  data: Uint8Array
}

export interface TensorFile {
  tensors: Map<string, StoredTensor>
  metadata: Record<string, string>
}

/** The largest header that is read: far more than any real network needs. */
const MOST_HEADER = 100 * 1024 * 1024

/** Whether a file begins as these do: with a length that it has room for, and an object of JSON. */
export function beginsAsSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) <= bytes.length - 8
}

/** Parses a whole file; `name` is what error messages call it. Throws UserError on anything malformed. */
export function parseSafetensors(bytes: Uint8Array, name: string): TensorFile {
  const fail = (message: string): never => {
    throw new UserError(`${name} is not a valid safetensors file: ${message}`)
  }
  if (bytes.length < 8) fail(`expected at least 8 bytes, found ${bytes.length}`)
  const claimed = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (claimed > MOST_HEADER) fail(`its header claims ${claimed} bytes, expected at most ${MOST_HEADER}`)
  const length = Number(claimed)
  if (length > bytes.length - 8)
    fail(`its header claims ${length} bytes, the file has ${bytes.length - 8} after the length`)
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)))
  } catch {
    fail('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail('its header is not a JSON object')

  const body = bytes.subarray(8 + length)
  const tensors = new Map<string, StoredTensor>()
  const ranges: [number, number, string][] = []
  let metadata: Record<string, string> = {}
  for (const [key, value] of Object.entries(header as Record<string, unknown>)) {
    if (key === '__metadata__') {
      metadata = stringRecord(value) ?? fail('its metadata is not an object of strings')
      continue
    }
    const entry = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null
    const { dtype, shape, data_offsets: offsets } = entry ?? {}
    if (typeof dtype !== 'string') return fail(`tensor ${key} has no type`)
    if (!Object.hasOwn(BYTES_PER, dtype)) fail(`tensor ${key} has the unknown type ${dtype}`)
    if (!isCounts(shape)) return fail(`tensor ${key} has no valid shape`)
    if (!isCounts(offsets) || offsets.length !== 2) return fail(`tensor ${key} has no valid data_offsets`)
    const [from, to] = offsets
    if (from > to || to > body.length)
      fail(`tensor ${key} lies at bytes ${from} to ${to}, the file has ${body.length} bytes of data`)
    const expected = shape.reduce((n, size) => n * size, BYTES_PER[dtype as DType])
    if (to - from !== expected) fail(`tensor ${key} of shape [${shape}] needs ${expected} bytes, found ${to - from}`)
    tensors.set(key, { dtype: dtype as DType, shape, data: body.subarray(from, to) })
    ranges.push([from, to, key])
  }
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  let end = 0
  for (const [from, to, key] of ranges) {
    if (from !== end) fail(`tensor ${key} begins at byte ${from}, expected ${end}`)
    end = to
  }
  if (end !== body.length) fail(`${body.length - end} bytes follow the last tensor`)
  return { tensors, metadata }
}

/**
 * The bytes of a file. Its header names the tensors in the order given and is padded so that the data begin
 * at a multiple of 8; the data lie in the order of element sizes, widest first, so that every tensor begins
 * at a multiple of its own.
 */
export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  if (tensors.has('__metadata__')) throw new Error('a tensor cannot be named __metadata__')
  const width = ({ dtype }: StoredTensor) => BYTES_PER[dtype]
  const places = new Map<string, number>()
  let end = 0
  for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => width(b) - width(a))) {
    places.set(name, end)
    end += tensor.data.length
  }
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  for (const [name, { dtype, shape, data }] of tensors) {
    const from = places.get(name)!
    header.push([name, { dtype, shape, data_offsets: [from, from + data.length] }])
  }
  // Not from an object, which would put names such as 10 first and lose __proto__.
  const members = header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  const text = new TextEncoder().encode(`{${members.join(',')}}`)
  const padded = Math.ceil(text.length / 8) * 8
  const bytes = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true)
  bytes.set(text, 8)
  for (const [name, { data }] of tensors) bytes.set(data, 8 + padded + places.get(name)!)
  return bytes
}

/** An F32 tensor; values are copied. */
export function storeFloats(values: Float32Array | Float64Array, shape: readonly number[]): StoredTensor {
  const copy = Float32Array.from(values)
  return { dtype: 'F32', shape, data: new Uint8Array(copy.buffer) }
}

/** The values of a tensor of any type as float32 (64-bit integers and doubles are rounded). */
export function toFloats({ dtype, data }: StoredTensor): Float32Array {
  // All machines that run JavaScript today are little-endian, as files are. The copy is aligned.
  const { buffer } = new Uint8Array(data)
  if (dtype === 'F32') return new Float32Array(buffer)
  if (dtype === 'F16') return halves(new Uint16Array(buffer))
  // bfloat16 is the upper half of a float.
  if (dtype === 'BF16') return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer)
  if (dtype === 'I64') return Float32Array.from(new BigInt64Array(buffer), Number)
  return new Float32Array(new VIEWS[dtype](buffer))
}

const VIEWS = { F64: Float64Array, I32: Int32Array, I16: Int16Array, I8: Int8Array, U8: Uint8Array, BOOL: Uint8Array }

/** Every half as a float, by its bits; made when it is first needed. */
let floatsOfHalves: Float32Array | undefined

function halves(bits: Uint16Array): Float32Array {
  floatsOfHalves ??= Float32Array.from({ length: 1 << 16 }, (_, i) => halfToNumber(i))
  const values = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) values[i] = floatsOfHalves[bits[i]]
  return values
}

/** The number whose bits as a half (IEEE 754 binary16) these are. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)

function stringRecord(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.values(value).every((v) => typeof v === 'string') ? (value as Record<string, string>) : undefined
}
