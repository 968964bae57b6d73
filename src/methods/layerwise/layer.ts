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
  /** Whether the tensor is [columns, rows]: MatMul, and Gemm without transB. */
  transposed: boolean
}

/** The matrix of a node's weight, input number `operator.weight` of a Conv, Gemm or MatMul. */
export function layerMatrix({ operator, inputs, attributes }: Node): LayerMatrix {
  const { name, shape } = inputs[operator.weight!]
  const conv = operator.name === 'Conv'
  const transposed = !conv && transposes(attributes).transB === 0
  const rows = shape[transposed ? 1 : 0]
  const groups = conv ? convOptions(operator.name, attributes).group : 1
  return { name, shape, rows, columns: sizeOf(shape) / rows, groups, transposed }
}

/** A tensor's values as [rows][columns], a copy in float64. */
export const toMatrix = ({ rows, columns, transposed }: LayerMatrix, values: Floats): Float64Array =>
  transposed ? transpose(values, columns, rows) : Float64Array.from(values)

/** The inverse of {@link toMatrix}. */
export const fromMatrix = ({ rows, columns, transposed }: LayerMatrix, matrix: Float64Array): Float64Array =>
  transposed ? transpose(matrix, rows, columns) : matrix

function transpose(values: Floats, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]
  return result
}
