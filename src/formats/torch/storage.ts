/**
 * @file Storages of PyTorch's checkpoints: elements of one type in a row, which lie elsewhere in the file
 * than the pickle that names them.
 */
import { UserError } from '../../util/errors.ts'
import { BYTES_PER, type DType } from '../safetensors-bytes.ts'
import { Named, type PickleValue } from './values.ts'

export class Storage {
  /** Undefined: a type that is not read. */
  readonly dtype?: DType
  /** Name of its class. */
  readonly type: string
  readonly key: string
  /** Elements. */
  readonly length: number
  /** They come when the file's layout is known. */
  bytes?: Uint8Array

  constructor(type: string, key: string, length: number) {
    this.dtype = Object.hasOwn(storageTypes, type) ? storageTypes[type] : undefined
    this.type = type
    this.key = key
    this.length = length
  }

  /** In bytes; undefined where the type is unknown. */
  get size(): number | undefined {
    const other = Object.hasOwn(otherTypes, this.type) ? otherTypes[this.type] : undefined
    const each = this.dtype ? BYTES_PER[this.dtype] : other
    return each && this.length * each
  }

  /** The bytes, which begin at a multiple of 8. */
  aligned(): Uint8Array {
    if (this.bytes!.byteOffset % 8 !== 0) this.bytes = new Uint8Array(this.bytes!)
    return this.bytes!
  }
}

/** The type of a storage's elements, by the name of its class. */
const storageTypes: Readonly<Record<string, DType>> = {
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

/** Bytes per element of those that are passed over. */
const otherTypes: Readonly<Record<string, number>> = {
  'torch ComplexFloatStorage': 8,
  'torch ComplexDoubleStorage': 16,
  'torch QInt8Storage': 1,
  'torch QUInt8Storage': 1,
  'torch QInt32Storage': 4,
  'torch QUInt4x2Storage': 1,
  'torch QUInt2x4Storage': 1,
  'torch UntypedStorage': 1,
  'torch.storage UntypedStorage': 1,
}

/**
 * A persistent id: ('storage', class, key, device, elements, perhaps a view), or of older files ('module',
 * class, its source, where that was).
 */
export function persistent(id: PickleValue, known: Map<string, Storage>, source: string): PickleValue {
  const [kind, type, name, , length, view] = Array.isArray(id) ? id : []
  if (kind === 'module' && type instanceof Named) return type
  const storage = kind === 'storage' && type instanceof Named && typeof name === 'string' && isCount(length)
  if (!storage || (view ?? null) !== null)
    throw new UserError(
      `${source} is no PyTorch checkpoint that can be read: it refers to something that is no storage`,
    )
  const before = known.get(name)
  if (before && (before.type !== type.name || before.length !== length))
    throw new UserError(
      `${source} is no PyTorch checkpoint that can be read: its storage ${name} has two types or lengths`,
    )
  const found = before ?? new Storage(type.name, name, length)
  known.set(name, found)
  return found
}

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
