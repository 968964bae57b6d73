/** @file Tensors in PyTorch's pickles: views, with offset and strides, of storages that lie elsewhere in the file. */
import { UserError } from '../../util/errors.ts'
import { BYTES_PER, type DType, type StoredTensor } from '../safetensors-bytes.ts'
import { Named, type PickleValue } from './pickle.ts'

/** Elements of one type in a row. The bytes come when the file's layout is known. */
export class Storage {
  readonly dtype: DType
  readonly key: string
  /** Elements. */
  readonly length: number
  bytes?: Uint8Array

  constructor(dtype: DType, key: string, length: number) {
    this.dtype = dtype
    this.key = key
    this.length = length
  }
}

/** The type of a storage's elements, by the name of its class. */
export const storageTypes: Readonly<Record<string, DType>> = {
  'torch DoubleStorage': 'F64',
  'torch FloatStorage': 'F32',
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
}

export class TorchTensor {
  readonly storage: Storage
  /** In elements, as the strides. */
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }
}

/** `torch._utils._rebuild_tensor_v2` and the older one: (storage, offset, shape, strides, ...). */
export function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[], source: string): TorchTensor {
  const fail = () =>
    new UserError(`${source} is no PyTorch checkpoint that can be read: it holds a tensor without a valid shape`)
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) throw fail()
  if (shape.length !== strides.length) throw fail()
  const size = shape.reduce((n, d) => n * d, 1)
  const last = shape.reduce((at, d, i) => at + Math.max(d - 1, 0) * strides[i], offset)
  if (size > 0 && (last >= storage.length || size > storage.length)) throw fail()
  return new TorchTensor(storage, offset, shape, strides)
}

/** A persistent id: ('storage', class, key, device, elements, perhaps a view). */
export function storageOf(id: PickleValue, known: Map<string, Storage>, source: string): Storage {
  const [kind, type, name, , length, view] = Array.isArray(id) ? id : []
  const dtype = type instanceof Named ? storageTypes[type.name] : undefined
  if (kind !== 'storage' || !dtype || typeof name !== 'string' || !isCount(length) || (view ?? null) !== null)
    throw new UserError(
      `${source} is no PyTorch checkpoint that can be read: it refers to something that is no storage`,
    )
  const before = known.get(name)
  if (before && (before.dtype !== dtype || before.length !== length))
    throw new UserError(
      `${source} is no PyTorch checkpoint that can be read: its storage ${name} has two types or lengths`,
    )
  const storage = before ?? new Storage(dtype, name, length)
  known.set(name, storage)
  return storage
}

/** Of a tensor on its own. */
export const bytesOf = ({ shape, storage: { dtype } }: TorchTensor): number =>
  shape.reduce((n, d) => n * d, 1) * BYTES_PER[dtype]

/** Row-major and on its own. */
export function contiguous(tensor: TorchTensor): StoredTensor {
  const { storage, offset, shape, strides } = tensor
  const { dtype } = storage
  const bytes = storage.bytes!
  const each = BYTES_PER[dtype]
  const data = new Uint8Array(bytesOf(tensor))
  const place = shape.map(() => 0)
  let from = offset
  for (let at = 0; at < data.length; at += each) {
    data.set(bytes.subarray(from * each, (from + 1) * each), at)
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d]
      if (++place[d] < shape[d]) break
      from -= shape[d] * strides[d]
      place[d] = 0
    }
  }
  return { dtype, shape, data }
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount)
