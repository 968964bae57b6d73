/**
 * @file What a name of an ONNX graph stands for while it is read: a tensor that the network computes, one
 * that is yet to be transposed, or numbers that are known before it runs (weights, shapes).
 */
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { DType } from '../safetensors-bytes.ts'
import type { Slot } from './edit.ts'
import { isFloating } from './tensor.ts'

export type Value = Tensor | Permuted | Known

/**
 * A tensor whose axes are to be reordered: axis i of the value is axis perm[i] of `of`. Many transposes
 * cancel, so none is done before it must.
 */
export class Permuted {
  readonly of: Tensor
  readonly perm: readonly number[]

  constructor(of: Tensor, perm: readonly number[]) {
    this.of = of
    this.perm = perm
  }

  get shape(): Shape {
    return this.perm.map((axis) => this.of.shape[axis])
  }
}

/** Where known numbers are stored, there as a matrix with rows and columns exchanged or not. */
export interface Source {
  /** Key of the stored tensor (places.ts). */
  key: string
  transposed: boolean
  /** The node that reads the tensor itself. */
  root: Slot
}

/** The input of a node that reads known numbers, with rows and columns exchanged or not, in a shape. */
export interface Read {
  slot: Slot
  transposed: boolean
  shape: Shape
}

/** What numbers are whole multiples of: one number for all, or one for each place of an axis. */
export interface Steps {
  /** Absent: one number for all. */
  axis?: number
  values: ArrayLike<number>
}

export interface KnownOptions {
  /** Type of the elements. Default float32. */
  type?: DType
  source?: Source
  read?: Read
  steps?: Steps
}

export class Known {
  readonly shape: Shape
  /** Type of the elements: whole numbers are shapes and indices. */
  readonly type: DType
  /** Absent: these are not the numbers of one stored tensor. */
  readonly source?: Source
  /** Which input of a node they are read by. */
  readonly read?: Read
  /** Absent: they are no multiples of known numbers. */
  readonly steps?: Steps
  readonly #values: () => ArrayLike<number>
  #found?: ArrayLike<number>

  constructor(shape: Shape, values: () => ArrayLike<number>, { type = 'F32', source, read, steps }: KnownOptions = {}) {
    this.shape = shape
    this.type = type
    this.source = source
    this.read = read
    this.steps = steps
    this.#values = values
  }

  static integers(values: readonly number[], shape: Shape = [values.length]): Known {
    return new Known(shape, () => values, { type: 'I64' })
  }

  get whole(): boolean {
    return !isFloating(this.type)
  }

  /** Row-major. */
  get values(): ArrayLike<number> {
    this.#found ??= this.#values()
    return this.#found
  }

  get size(): number {
    return sizeOf(this.shape)
  }

  /** The same numbers as an input of a node. */
  readBy(slot: Slot): Known {
    const { type, source, shape, steps } = this
    return new Known(shape, () => this.values, { type, source, steps, read: { slot, transposed: false, shape } })
  }

  list(): number[] {
    return Array.from(this.values)
  }

  /** The same numbers under another shape of as many. */
  reshaped(shape: Shape): Known {
    const { type, source, read, steps } = this
    const stays = steps?.axis === undefined || this.shape.slice(0, steps.axis + 1).every((n, i) => n === shape[i])
    return new Known(shape, () => this.values, { type, source, read, steps: stays ? steps : undefined })
  }

  /** A matrix with rows and columns exchanged. */
  transposed(): Known {
    const [rows, columns] = this.shape
    const { type, source, read, steps } = this
    return new Known([columns, rows], () => transposed(this.values, rows, columns), {
      type,
      source: source && { ...source, transposed: !source.transposed },
      read: read && { ...read, transposed: !read.transposed },
      steps: steps?.axis === undefined ? steps : { ...steps, axis: 1 - steps.axis },
    })
  }
}

/** Rows and columns that are exchanged at once: both their old and their new places fit into the cache. */
const BLOCK = 32

/** The values of a matrix, row-major, with rows and columns exchanged; float32 stays float32. */
export function transposed(values: ArrayLike<number>, rows: number, columns: number): Float32Array | Float64Array {
  const result = new (values instanceof Float32Array ? Float32Array : Float64Array)(rows * columns)
  transpose(values, result, rows, columns)
  return result
}

/** Writes a matrix of `rows` x `columns`, row-major, with both exchanged. */
export function transpose(from: ArrayLike<number>, to: { [i: number]: number }, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += BLOCK)
    for (let left = 0; left < columns; left += BLOCK) {
      const [bottom, right] = [Math.min(top + BLOCK, rows), Math.min(left + BLOCK, columns)]
      for (let c = left; c < right; c++) for (let r = top; r < bottom; r++) to[c * rows + r] = from[r * columns + c]
    }
}
