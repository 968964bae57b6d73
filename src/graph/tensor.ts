/**
 * @file Tensors of a graph: a name, a static shape and a role. No values live here, constants aside.
 */

/** Sizes per axis; `[]` is a scalar. */
export type Shape = readonly number[]

/**
 * What a tensor is to a program:
 * - `input`: written before every run;
 * - `parameter`: trained; shared by name between programs;
 * - `buffer`: part of the model but not trained (running statistics); shared by name and stored with the
 *   parameters;
 * - `state`: kept between runs but not trained (momentum, masks, the data set); shared by name;
 * - `constant`: fixed values;
 * - `value`: computed by a node, gone after the run unless it is an output.
 */
export type Role = 'input' | 'parameter' | 'buffer' | 'state' | 'constant' | 'value'

/** Fan-in and fan-out of a layer's weight, for initialization. Biases carry those of their weight. */
export interface Fan {
  readonly in: number
  readonly out: number
}

/** How a parameter or buffer begins: drawn by its fan, or one value throughout. */
export type Initial = Fan | number

export interface Tensor {
  readonly name: string
  readonly shape: Shape
  readonly role: Role
  /** Whether axis 0 runs over the samples of a batch. The engine stores such tensors batch-innermost. */
  readonly batched: boolean
  /** `constant` only: one value for all elements, or all values in row-major order. */
  readonly values?: number | ArrayLike<number>
  /** `constant` only: the parameter whose values it holds in another form. */
  readonly packs?: string
  /** `parameter` and `buffer` only. */
  readonly initial?: Initial
  /**
   * `parameter` only: for each place of axis 0, or one for all, what its values are whole multiples of, as
   * those of a file that holds whole numbers.
   */
  readonly steps?: ArrayLike<number>
  /** Holds bytes instead of floats: a data set, maps of whole numbers and their weights. */
  readonly bytes?: boolean
  /**
   * `state` only: what training goes on with, so that checkpoints hold it, as floats, as bits or as the order
   * of a permutation (32-bit integers in bytes). Absent: it is made anew.
   */
  readonly saved?: 'floats' | 'bits' | 'permutation'
  /** `state` only: the parameter that it has a value for at every place; held as the parameter is. */
  readonly beside?: string
}

/** What an operator's shape rule says of an output. */
export interface TensorType {
  readonly shape: Shape
  readonly batched: boolean
  /** Default: floats. */
  readonly bytes?: boolean
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1)
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  for (let i = shape.length - 1, stride = 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]
  }
  return strides
}

/** `f32[128,10]`-like text for messages. */
export function describe(tensor: Tensor): string {
  return `${tensor.name} [${tensor.shape.join(', ')}]`
}
