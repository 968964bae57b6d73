/**
 * @file What is not a layer and keeps bytes: sums of two maps, pooling, and what only gives them another
 * shape.
 */
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { Int8Add, Int8AveragePool, Int8MaxPool } from '../../graph/operators/int8.ts'
import { type Shape, sameShape, type Tensor } from '../../graph/tensor.ts'
import { type Grid, sameGrid } from './chains.ts'
import type { Ending } from './endings.ts'

/** A tensor of real numbers that stand for bytes. */
export interface Real {
  grid: Grid
  bytes(): Tensor
}

/** Appends what gives the bytes of a node's result. Undefined where it does not work on bytes. */
export function appendRest(
  graph: Graph,
  node: Node,
  ending: Ending,
  realOf: (tensor: Tensor) => Real | undefined,
): Tensor | undefined {
  const { name } = node.operator
  const [x] = node.inputs
  const real = realOf(x)
  if (!real) return undefined
  const limits = { zero: ending.grid.zero, low: ending.low, high: ending.high }
  const isWhole = ending.low === 0 && ending.high === 255
  if (name === 'Add') return appendSum(graph, node, ending, realOf)
  if (name === 'MaxPool' && sameGrid(real.grid, ending.grid) && isWhole)
    return graph.apply(Int8MaxPool, [real.bytes()], node.attributes)[0]
  // The same words, for one place of each channel.
  if (name === 'Reshape' || name === 'Flatten')
    return isFlattened(x.shape, node.outputs[0]) && sameGrid(real.grid, ending.grid) && isWhole
      ? real.bytes()
      : undefined
  const window = windowOf(node)
  if (!window) return undefined
  const size = (window.kernel_shape as Shape).reduce((a, b) => a * b, 1)
  const scale = graph.constant(Math.fround(real.grid.scale / Math.fround(ending.grid.scale * size)))
  return graph.apply(Int8AveragePool, [real.bytes(), scale], { ...window, zeroX: real.grid.zero, ...limits })[0]
}

function appendSum(
  graph: Graph,
  { inputs }: Node,
  { grid, low, high }: Ending,
  realOf: (tensor: Tensor) => Real | undefined,
): Tensor | undefined {
  const [a, b] = inputs.map(realOf)
  if (!a || !b || !sameShape(inputs[0].shape, inputs[1].shape)) return undefined
  const ratios = [a, b].map((operand) => Math.fround(operand.grid.scale / grid.scale))
  const attributes = { zeroA: a.grid.zero, zeroB: b.grid.zero, zero: grid.zero, low, high }
  return graph.apply(Int8Add, [a.bytes(), b.bytes(), graph.constant(ratios, [2])], attributes)[0]
}

/** [N, C, 1, 1] to [N, C] or back: with one place of each channel, bytes lie alike. */
const isFlattened = (from: Shape, { shape, batched }: Tensor) =>
  batched &&
  [from, shape].every((one) => one.length >= 2 && one.slice(2).every((n) => n === 1)) &&
  from[0] === shape[0] &&
  from[1] === shape[1]

/** The attributes of AveragePool for a mean over windows that lie inside of the map. */
function windowOf({ operator, inputs: [x], attributes }: Node) {
  if (operator.name === 'ReduceMean' && x.shape.length === 4) {
    const isGlobal = String(attributes.axes) === '2,3' && attributes.keepdims !== 0
    const map = x.shape.slice(2)
    return isGlobal ? { kernel_shape: map, strides: map, pads: [0, 0, 0, 0] } : undefined
  }
  if (operator.name !== 'AveragePool' || (attributes.pads as Shape).some((n) => n > 0)) return undefined
  const { kernel_shape, strides, pads } = attributes
  return { kernel_shape, strides, pads }
}
