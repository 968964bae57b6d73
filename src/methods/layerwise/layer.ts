/**
 * @file How a prunable tensor reads as a matrix: a row of weights per output, which multiplies the inputs of
 * the layer; those of a convolution are unfolded, channels x kernel height x kernel width.
 */
import type { Floats } from '../../engine/machine.ts'
import type { Node } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import { transposes } from '../../graph/operators/linear.ts'
import { type Shape, sizeOf } from '../../graph/tensor.ts'

export interface LayerMatrix {
  /** Name of the tensor. */
  name: string
  /** Shape of the tensor. */
  shape: Shape
  /** Outputs. */
  rows: number
  /** Inputs of a row: features, or channels / group x kernel height x kernel width. */
  columns: number
  /**
   * Consecutive parts of the rows, rows / groups each, that have inputs of their own. 1 but for grouped
   * convolutions.
   */
  groups: number
  /**
   * Whether the tensor has inputs before outputs: that of MatMul, of Gemm without transB, and of a transposed
   * convolution, [inputs, rows / groups, ...taps].
   */
  transposed: boolean
  /** Weights of one input and output that stay together: the taps of a transposed convolution. Default 1. */
  taps?: number
}

/** The matrix of a node's weight, input number `operator.weight` of a Conv, ConvTranspose, Gemm or MatMul. */
export function layerMatrix({ operator, inputs, attributes }: Node): LayerMatrix {
  const { name, shape } = inputs[operator.weight!]
  const isConv = operator.name === 'Conv' || operator.name === 'ConvTranspose'
  const transposed = operator.name === 'ConvTranspose' || (!isConv && transposes(attributes).transB === 0)
  const groups = isConv ? convOptions(operator.name, attributes).group : 1
  const rows = transposed ? shape[1] * groups : shape[0]
  return {
    name,
    shape,
    rows,
    columns: sizeOf(shape) / rows,
    groups,
    transposed,
    ...(operator.name === 'ConvTranspose' && { taps: sizeOf(shape.slice(2)) }),
  }
}

/** A tensor's values as [rows][columns], a copy in float64. */
export const toMatrix = (layer: LayerMatrix, values: Floats): Float64Array =>
  layer.transposed ? turned(layer, values, false) : Float64Array.from(values)

/** The inverse of {@link toMatrix}. */
export const fromMatrix = (layer: LayerMatrix, matrix: Float64Array): Float64Array =>
  layer.transposed ? turned(layer, matrix, true) : matrix

/** [inputs][rows] of every group to [rows][inputs], or back; taps stay together. */
function turned({ rows, columns, groups, taps = 1 }: LayerMatrix, values: Floats, back: boolean): Float64Array {
  const [ins, outs] = [columns / taps, rows / groups]
  const [outer, inner] = back ? [outs, ins] : [ins, outs]
  const result = new Float64Array(values.length)
  for (let g = 0; g < groups; g++)
    for (let i = 0; i < outer; i++)
      for (let j = 0; j < inner; j++)
        for (let t = 0; t < taps; t++) {
          const at = g * outer * inner
          result[(at + j * outer + i) * taps + t] = values[(at + i * inner + j) * taps + t]
        }
  return result
}
