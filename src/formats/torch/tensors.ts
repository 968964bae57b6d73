/** @file Dense tensors in PyTorch's pickles: views, with offset and strides, of storages. */
import { BYTES_PER, type DType, type StoredTensor } from '../safetensors-bytes.ts'
import { isCount, Storage } from './storage.ts'
import type { PickleValue } from './values.ts'

/** A tensor of any form. */
export abstract class Tensor {
  abstract readonly shape: readonly number[]
  abstract readonly dtype: DType
  /** Bytes of the values that are in the file for it, those that are repeated once. */
  abstract readonly own: number
  /** Bytes that it takes to make it dense. */
  abstract readonly needs: number
  /**
   * Row-major and on its own. Throws UserError where what is stored contradicts itself; `what` is what
   * messages call it.
   */
  abstract dense(what: string): StoredTensor
}

/** A tensor whose values cannot be read, and why. */
export class Unread {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** Whether it is a tensor, read or not. */
export const isTensor = (value: unknown): value is Tensor | Unread => value instanceof Tensor || value instanceof Unread

/** As many dimensions as any program has; more would only take time. */
const MOST_DIMENSIONS = 64

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every(isCount)

/** Counts whose product is one, in bytes too. */
export const isShape = (value: unknown): value is number[] =>
  isCounts(value) && Number.isSafeInteger(value.reduce((n, d) => n * Math.max(d, 1), 8))

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** Strides in elements. */
interface Layout {
  shape: readonly number[]
  strides: readonly number[]
}

/** A tensor of a storage; `dtype`: of what its elements are, where the storage does not say. */
export class Strided extends Tensor {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly #storage: Storage
  /** In elements. */
  readonly #offset: number
  readonly #strides: readonly number[]

  constructor(storage: Storage, dtype: DType, offset: number, { shape, strides }: Layout) {
    super()
    this.shape = shape
    this.dtype = dtype
    this.#storage = storage
    this.#offset = offset
    this.#strides = strides
  }

  get own(): number {
    return this.shape.reduce((n, d, i) => n * (this.#strides[i] === 0 ? Math.min(d, 1) : d), BYTES_PER[this.dtype])
  }

  get needs(): number {
    return sizeOf(this.shape) * BYTES_PER[this.dtype]
  }

  dense(): StoredTensor {
    const { shape, dtype } = this
    const each = BYTES_PER[dtype]
    const size = sizeOf(shape)
    const bytes = this.#storage.aligned()
    if (size > 0 && this.#isRowMajor())
      return { dtype, shape, data: new Uint8Array(bytes.subarray(this.#offset * each, (this.#offset + size) * each)) }
    const data = new Uint8Array(size * each)
    if (size > 0) gather(wordsOf(bytes, dtype), wordsOf(data, dtype), this.#offset, { shape, strides: this.#strides })
    return { dtype, shape, data }
  }

  #isRowMajor(): boolean {
    let expected = 1
    for (let d = this.shape.length - 1; d >= 0; d--) {
      if (this.shape[d] !== 1 && this.#strides[d] !== expected) return false
      expected *= this.shape[d]
    }
    return true
  }
}

export type Words =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>

/** Values as their bits. `bytes` begin at a multiple of 8. */
export function wordsOf(bytes: Uint8Array, dtype: DType): Words {
  const each = BYTES_PER[dtype]
  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[each]
  return new Words(bytes.buffer as ArrayBuffer, bytes.byteOffset, Math.floor(bytes.length / each))
}

function gather(from: Words, to: Words, offset: number, { shape, strides }: Layout): void {
  const last = shape.length - 1
  const [run, step] = shape.length > 0 ? [shape[last], strides[last]] : [1, 0]
  const place = shape.map(() => 0)
  let start = offset
  for (let at = 0; at < to.length; ) {
    for (let i = 0; i < run; i++) to[at++] = from[start + i * step]
    for (let d = last - 1; d >= 0; d--) {
      start += strides[d]
      if (++place[d] < shape[d]) break
      start -= shape[d] * strides[d]
      place[d] = 0
    }
  }
}

/**
 * `torch._utils._rebuild_tensor_v2` and the older one: (storage, offset, shape, strides, ..., perhaps flags);
 * the third one has the type before them. Throws what `fail` says where the tensor is not within its storage.
 */
export function rebuildTensor(
  [storage, offset, shape, strides, , , ...more]: readonly PickleValue[],
  fail: (what: string) => Error,
  type?: DType,
): Tensor | Unread {
  if (!(storage instanceof Storage) || !isCount(offset) || !isShape(shape) || !isCounts(strides))
    throw fail('a tensor without a valid shape')
  if (shape.length !== strides.length) throw fail('a tensor without a valid shape')
  const flags = more.find((value) => value instanceof Map)
  if (flags && [...flags.values()].some(Boolean)) return new Unread('is stored conjugated or negated')
  const dtype = type ?? storage.dtype
  if (!dtype) return new Unread(`is of the type ${storage.type.replace('torch ', '').replace('Storage', '')}`)
  const elements = type ? Math.floor((storage.size ?? 0) / BYTES_PER[type]) : storage.length
  const last = shape.reduce((at, d, i) => at + Math.max(d - 1, 0) * strides[i], offset)
  if (sizeOf(shape) > 0 && last >= elements) throw fail('a tensor without a valid shape')
  return new Strided(storage, dtype, offset, { shape, strides })
}
