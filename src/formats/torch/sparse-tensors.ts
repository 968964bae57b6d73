/**
 * @file Sparse tensors in PyTorch's pickles: by coordinates (COO), or by compressed rows or columns (CSR,
 * CSC), of single values or of blocks (BSR, BSC).
 */
import { UserError } from '../../util/errors.ts'
import { BYTES_PER, type DType, type StoredTensor } from '../safetensors-bytes.ts'
import { isShape, Strided, sizeOf, Tensor, Unread, type Words, wordsOf } from './tensors.ts'
import { Named, Opaque, type PickleValue } from './values.ts'

/**
 * Its layout, and what that consists of: in all of them the last two are values and shape, before them are
 * places.
 */
export function rebuildSparse([layout, data]: readonly PickleValue[], fail: (what: string) => Error): Tensor | Unread {
  const parts = Array.isArray(data) ? data : []
  const name = layoutOf(layout)
  const compressed = /^sparse_(csr|csc|bsr|bsc)$/.test(name)
  if (name !== 'sparse_coo' && !compressed) return new Unread(`has the layout ${name}`)
  const [a, b, c, d] = parts
  const [places, values, shape] = compressed ? [[a, b], c, d] : [[a], b, c]
  const dense = [...places, values].every((part) => part instanceof Strided)
  if (!dense || !isShape(shape)) throw fail('a sparse tensor without places, values and shape')
  const [first, second] = places as Strided[]
  const stored = values as Strided
  return compressed ? new Compressed(name, first, second, stored, shape) : new Coordinates(first, stored, shape)
}

/** `torch.sparse_coo`, which was pickled as a name or as a call with it. */
function layoutOf(value: PickleValue | undefined): string {
  const text = value instanceof Opaque && value.args.length > 0 ? value.args[0] : value
  if (text instanceof Named) return text.name.split(' ').at(-1)!
  return typeof text === 'string' ? text.replace(/^torch\./, '') : 'unknown'
}

class Coordinates extends Tensor {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly own: number
  readonly needs: number
  /** [sparse dimensions, nonzeros]. */
  readonly #places: Strided
  /** [nonzeros, ...dense dimensions]. */
  readonly #values: Strided

  constructor(places: Strided, values: Strided, shape: readonly number[]) {
    super()
    this.shape = shape
    this.dtype = values.dtype
    this.own = places.own + values.own
    this.needs = places.needs + values.needs + bytesOf(this)
    this.#places = places
    this.#values = values
  }

  dense(what: string): StoredTensor {
    const { shape } = this
    const [dimensions, count] = this.#places.shape
    const fits =
      this.#places.shape.length === 2 &&
      dimensions <= shape.length &&
      String(this.#values.shape) === String([count, ...shape.slice(dimensions)])
    if (!fits)
      throw new UserError(
        `${what} has places of shape [${this.#places.shape}] and values of shape [${this.#values.shape}], which do not make the shape [${shape}]`,
      )
    const places = integers(this.#places, what)
    const sum = new Sum(this.#values, shape, what)
    const run = sizeOf(shape.slice(dimensions))
    for (let e = 0; e < count; e++) {
      let at = 0
      for (let d = 0; d < dimensions; d++) at = at * shape[d] + within(places[d * count + e], shape[d], what)
      sum.add(e * run, at * run, run)
    }
    return sum.result
  }
}

class Compressed extends Tensor {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly own: number
  readonly needs: number
  readonly #byRows: boolean
  /** [rows + 1] of blocks, or columns: where the nonzeros of each begin. */
  readonly #starts: Strided
  /** [nonzeros]: the column of each, or the row. */
  readonly #others: Strided
  /** [nonzeros], or [nonzeros, rows, columns] of blocks. */
  readonly #values: Strided

  constructor(layout: string, starts: Strided, others: Strided, values: Strided, shape: readonly number[]) {
    super()
    this.shape = shape
    this.dtype = values.dtype
    this.own = starts.own + others.own + values.own
    this.needs = starts.needs + others.needs + values.needs + bytesOf(this)
    this.#byRows = layout.endsWith('r')
    this.#starts = starts
    this.#others = others
    this.#values = values
  }

  dense(what: string): StoredTensor {
    const { shape } = this
    const [count, rows = 1, columns = 1] = this.#values.shape
    const grid = [shape[0] / rows, shape[1] / columns]
    const [lines, across] = this.#byRows ? grid : grid.toReversed()
    const fits =
      [shape.length === 2, [1, 3].includes(this.#values.shape.length), grid.every(Number.isSafeInteger)].every(
        Boolean,
      ) &&
      String(this.#starts.shape) === String([lines + 1]) &&
      String(this.#others.shape) === String([count])
    if (!fits)
      throw new UserError(
        `${what} has starts of shape [${this.#starts.shape}] and values of shape [${this.#values.shape}], which do not make the shape [${shape}]`,
      )
    const [starts, others] = [integers(this.#starts, what), integers(this.#others, what)]
    const sum = new Sum(this.#values, shape, what)
    if (starts[0] !== 0 || starts[lines] !== count || starts.some((start, i) => start < starts[i - 1]))
      throw new UserError(`${what} has starts that do not ascend from 0 to its ${count} nonzeros`)
    for (let line = 0; line < lines; line++)
      for (let e = starts[line]; e < starts[line + 1]; e++) {
        const other = within(others[e], across, what)
        const [row, column] = this.#byRows ? [line, other] : [other, line]
        for (let r = 0; r < rows; r++)
          sum.add((e * rows + r) * columns, (row * rows + r) * shape[1] + column * columns, columns)
      }
    return sum.result
  }
}

const bytesOf = ({ shape, dtype }: Tensor) => sizeOf(shape) * BYTES_PER[dtype]

function within(place: number, size: number, what: string): number {
  if (place >= 0 && place < size) return place
  throw new UserError(`${what} has a value at ${place}, expected 0 to ${size - 1}`)
}

/** Numbers of 32 or 64 bits; those beyond 2^53 are no places anyway. */
function integers(tensor: Strided, what: string): Float64Array {
  const { dtype, data } = tensor.dense()
  if (dtype === 'I64') return Float64Array.from(new BigInt64Array(data.buffer), Number)
  if (dtype === 'I32') return Float64Array.from(new Int32Array(data.buffer))
  throw new UserError(`${what} has places of type ${dtype}, expected I64 or I32`)
}

/** Values put into a dense tensor: those of one place are added, as PyTorch does. */
class Sum {
  readonly result: StoredTensor
  readonly #from: Words
  readonly #to: Words
  readonly #taken: Uint8Array
  readonly #what: string

  constructor(values: Strided, shape: readonly number[], what: string) {
    const { dtype, data } = values.dense()
    this.result = { dtype, shape, data: new Uint8Array(sizeOf(shape) * BYTES_PER[dtype]) }
    this.#from = wordsOf(data, dtype)
    this.#to = wordsOf(this.result.data, dtype)
    this.#taken = new Uint8Array(sizeOf(shape))
    this.#what = what
  }

  /** `count` values in a row, counted in elements. */
  add(from: number, to: number, count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.#taken[to + i]) this.#plus(from + i, to + i)
      else this.#to[to + i] = this.#from[from + i]
      this.#taken[to + i] = 1
    }
  }

  #plus(from: number, to: number): void {
    const { dtype } = this.result
    const floats = (words: Words, at: number) =>
      dtype === 'F64' ? new Float64Array(words.buffer, 8 * at, 1) : new Float32Array(words.buffer, 4 * at, 1)
    if (dtype !== 'F64' && dtype !== 'F32')
      throw new UserError(`${this.#what} has two values of type ${dtype} in one place: save it coalesced`)
    floats(this.#to, to)[0] += floats(this.#from, from)[0]
  }
}
