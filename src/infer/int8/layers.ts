/** @file Layers of whole numbers: which kernels they run on, and the operands of these. */
import type { Int8Amounts } from '../../engine/costs/int8.ts'
import { groupsOf, packDepthwise, packGroups, packWeights } from '../../engine/int8-weights.ts'
import { quads } from '../../engine/kernels/int8.ts'
import { depthOf, int8Fits } from '../../engine/kernels/int8-conv.ts'
import { layerSizes } from '../../engine/lowering/sparse.ts'
import type { Graph } from '../../graph/graph.ts'
import type { Attributes, Node } from '../../graph/operator.ts'
import { Int8Conv, Int8SparseConv } from '../../graph/operators/int8.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Grid } from './chains.ts'
import type { Ending } from './endings.ts'
import { type WholeWeights, wholeWeights } from './whole-weights.ts'

/** What the choice of kernels goes by. */
export interface Int8Layer extends Int8Amounts {
  /** Of its weight. */
  name: string
}

export interface LayerOptions {
  values: ReadonlyMap<string, ArrayLike<number>>
  /** Whether a layer skips groups of zeros. */
  isSparse(layer: Int8Layer): boolean
}

/** A layer that is to run in whole numbers, and how its input stands for real ones. */
export interface Candidate {
  node: Node
  grid: Grid
  /** Absent: it gives real numbers. */
  ending?: Ending
}

/** Whether a node may be a layer of bytes. */
export function isLayer({ operator, inputs: [x, weight], attributes }: Node): boolean {
  if (operator.name === 'Gemm') return x.batched && x.shape.length === 2 && attributes.transA !== 1
  if (operator.name !== 'Conv' || !x.batched) return false
  const group = Number(attributes.group ?? 1)
  return group === 1 || (group === weight.shape[0] && weight.shape[1] === 1)
}

/**
 * Appends the layer to a graph, with its input as bytes; its result. Undefined where its weights are no whole
 * numbers, or where the kernels do not take it.
 */
export function appendLayer(
  graph: Graph,
  { node, grid, ending }: Candidate,
  input: () => Tensor,
  options: LayerOptions,
): Tensor | undefined {
  const [, weight, bias] = node.inputs
  const { groups, ...sizes } = layerSizes(node)
  const perGroup = { ...sizes, groups, out: sizes.out / groups }
  if ((!ending && groups > 1) || !int8Fits(perGroup)) return undefined
  const layer = wholeWeights(weight, bias, grid, options)
  if (!layer) return undefined
  const { strides, pads, dilations } = node.attributes
  const windows = node.operator.name === 'Conv' ? { strides, pads, dilations, group: groups } : {}
  const limits = ending ? { zero: ending.grid.zero, low: ending.low, high: ending.high } : NO_LIMITS
  const attributes: Attributes = {
    ...withoutUndefined(windows),
    ...limits,
    weight: weight.shape,
    border: grid.zero,
    toFloat: ending ? 0 : 1,
  }
  const ends = [offsetsOf(graph, layer), scalesOf(graph, layer, ending)]
  const [out] = weight.shape
  if (groups > 1) {
    const packed = graph.constantBytes(packDepthwise(layer.whole, weight.shape), weight.name)
    return graph.apply(Int8Conv, [input(), packed, ...ends], attributes)[0]
  }
  const choice: Int8Layer = {
    name: weight.name,
    positions: sizes.batch * sizes.oh * sizes.ow,
    groups: out * depthOf(perGroup),
    nonzeroGroups: groupsOf(layer.whole, weight.shape),
  }
  if (!options.isSparse(choice)) {
    const packed = graph.constantBytes(packWeights(layer.whole, weight.shape), weight.name)
    return graph.apply(Int8Conv, [input(), packed, ...ends], attributes)[0]
  }
  const { values, starts, places } = packGroups(layer.whole, weight.shape)
  const pattern = [values, starts, places].map((list) => graph.constantBytes(atLeastOne(list), weight.name))
  return graph.apply(Int8SparseConv, [input(), ...pattern, ...ends], attributes)[0]
}

const NO_LIMITS = { zero: 0, low: 0, high: 255 }

/** Tensors have at least one element. */
const atLeastOne = <T extends Uint8Array | Int32Array>(list: T) => (list.length > 0 ? list : new Int32Array(1))

const withoutUndefined = (given: Record<string, Attributes[string] | undefined>) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Attributes

function offsetsOf(graph: Graph, { offsets }: WholeWeights): Tensor {
  const padded = new Int32Array(4 * quads(offsets.length))
  padded.set(offsets)
  return graph.constantBytes(padded)
}

/** What sums are multiplied with, in single precision as ONNX Runtime has it. */
function scalesOf(graph: Graph, { factors }: WholeWeights, ending?: Ending): Tensor {
  const padded = new Float32Array(4 * quads(factors.length))
  for (let o = 0; o < factors.length; o++) padded[o] = ending ? factors[o] / ending.grid.scale : factors[o]
  return graph.constant(padded, [padded.length])
}
