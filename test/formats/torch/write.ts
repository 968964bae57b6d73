/**
 * @file PyTorch checkpoints as `torch.save` writes them, for tests: the few instructions of pickle that they
 * need.
 */
import { zipSync } from 'fflate'

/**
 * A tensor of float32 or int64 values, or of halves by their bits; perhaps a view: `shape` and `strides` into
 * `values`.
 */
export interface Written {
  values: Float32Array | BigInt64Array | Uint16Array
  shape: readonly number[]
  strides?: readonly number[]
  offset?: number
}

const text = (value: string) => {
  const bytes = Buffer.from(value)
  return [0x58, ...four(bytes.length), ...bytes]
}
const four = (value: number) => [...new Uint8Array(Int32Array.of(value).buffer)]
export const int = (value: number) => [0x4a, ...four(value)]
export const named = (module: string, name: string) => [0x63, ...Buffer.from(`${module}\n${name}\n`)]
export const tuple = (...items: number[][]) => [0x28, ...items.flat(), 0x74]
export const call = (what: number[], ...args: number[][]) => [...what, ...tuple(...args), 0x52]
export const dict = (entries: [string, number[]][]) => [
  0x7d,
  0x28,
  ...entries.flatMap(([key, value]) => [...text(key), ...value]),
  0x75,
]
/** Instructions of the later protocols, and of the first. */
export const newObject = (what: number[], ...args: number[][]) => [...what, ...tuple(...args), 0x81]
export const build = (what: number[], state: number[]) => [...what, ...state, 0x62]
export const items = (what: number[], entries: [string, number[]][]) => [
  ...what,
  0x28,
  ...entries.flatMap(([key, value]) => [...text(key), ...value]),
  0x75,
]
export const list = (...values: number[][]) => [0x5d, 0x28, ...values.flat(), 0x65]
export const set = (...values: number[][]) => [0x8f, 0x28, ...values.flat(), 0x90]
export const NONE = [0x4e]
export const pickle = (value: number[]) => Uint8Array.from([0x80, 2, ...value, 0x2e])
export { text }

const storageName = (values: Written['values']) =>
  values instanceof Float32Array ? 'FloatStorage' : values instanceof BigInt64Array ? 'LongStorage' : 'HalfStorage'

const rowMajor = (shape: readonly number[]) => shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1))

export function tensor(
  { values, shape, strides = rowMajor(shape), offset = 0 }: Written,
  key: string,
  more: number[] = [],
): number[] {
  const id = tuple(
    text('storage'),
    named('torch', storageName(values)),
    text(key),
    text('cpu'),
    int(values.length),
    ...(more.length ? [more] : []),
  )
  const counts = (list: readonly number[]) => tuple(...list.map(int))
  return call(
    named('torch._utils', '_rebuild_tensor_v2'),
    [...id, 0x51],
    int(offset),
    counts(shape),
    counts(strides),
    [0x89],
    [0x7d],
  )
}

/** The tensors' names and pickles; key i belongs to the i-th. */
export const entries = (tensors: Readonly<Record<string, Written>>, more: number[] = []): [string, number[]][] =>
  Object.entries(tensors).map(([name, one], i) => [name, tensor(one, String(i), more)])

const bytesOf = ({ values }: Written) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

export function zipCheckpoint(
  tensors: Readonly<Record<string, Written>>,
  object = dict(entries(tensors)),
  level: 0 | 6 = 0,
): Uint8Array {
  const data = Object.values(tensors).map((one, i) => [`archive/data/${i}`, bytesOf(one)])
  return zipSync(
    { 'archive/data.pkl': pickle(object), 'archive/version': Buffer.from('3\n'), ...Object.fromEntries(data) },
    { level },
  )
}

export function legacyCheckpoint(
  tensors: Readonly<Record<string, Written>>,
  object = dict(entries(tensors, [0x4e])),
  start = [0x80, 2],
): Uint8Array {
  const magic = Uint8Array.from([...start, 0x8a, 10, ...Buffer.from('1950a86a20f9469cfc6c', 'hex').reverse(), 0x2e])
  const keys = Object.keys(tensors).map((_, i) => text(String(i)))
  const data = Object.values(tensors).flatMap((one) => [
    new Uint8Array(BigInt64Array.of(BigInt(one.values.length)).buffer),
    bytesOf(one),
  ])
  const heads = [
    magic,
    pickle([0x4d, 0xe9, 0x03]),
    pickle(dict([['little_endian', [0x88]]])),
    pickle(object),
    pickle([0x5d, 0x28, ...keys.flat(), 0x65]),
  ]
  return Buffer.concat([...heads, ...data])
}
