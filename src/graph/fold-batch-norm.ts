/**
 * @file Batch normalization with given statistics, folded into the convolution before it: one multiplication
 * and one addition per channel become part of its weights and its bias. The places of zeros stay.
 *
 *     s = scale / sqrt(var + epsilon);  w' = s w;  bias' = bias + s (old bias - mean)      per output channel
 */
import { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { Conv } from './operators/conv.ts'
import { BatchNormalization, EPSILON } from './operators/norm.ts'
import type { Tensor } from './tensor.ts'

/** Values of parameters and buffers by name, row-major. */
export type Values = Map<string, Float32Array | Float64Array>

export interface Folded {
  graph: Graph
  /**
   * The values that go with the folded graph: the given ones, other weights and biases in the place of those
   * that changed.
   */
  values: Values
}

/**
 * A convolution whose only reader is a batch normalization with parameters of its own takes it over; its bias
 * is then the normalization's.
 */
export function foldBatchNorm(from: Graph, given: Values): Folded {
  const readers = (tensor: Tensor) => from.nodes.filter(({ inputs }) => inputs.includes(tensor))
  const alone = (tensor: Tensor) => readers(tensor).length === 1 && ![...from.outputs.values()].includes(tensor)
  const values = new Map(given)
  const taken = new Map<Node, Node>()
  for (const norm of from.nodes) {
    const [x, ...rest] = norm.inputs
    const conv = from.nodes.find(({ outputs }) => outputs[0] === x)
    if (norm.operator !== BatchNormalization || conv?.operator !== Conv || !alone(x)) continue
    const own = [...conv.inputs.slice(1), ...rest]
    // A tensor that stands for two of them would be changed as one and be missing as the other.
    if (new Set(own).size < own.length) continue
    if (!own.every((tensor) => values.has(tensor.name) && alone(tensor))) continue
    taken.set(conv, norm)
    fold(conv, norm, values)
  }
  const folded = new Set(taken.values())
  const graph = new Graph(from)
  graph.nodes.length = 0
  for (const node of from.nodes) {
    if (folded.has(node)) continue
    const norm = taken.get(node)
    const [x, weight] = node.inputs
    graph.nodes.push(norm ? { ...node, inputs: [x, weight, norm.inputs[2]], outputs: norm.outputs } : node)
    for (const gone of norm
      ? [...norm.inputs.slice(3), norm.inputs[1], ...node.inputs.slice(2), node.outputs[0]]
      : []) {
      graph.tensors.delete(gone.name)
      values.delete(gone.name)
    }
  }
  return { graph, values }
}

function fold(conv: Node, norm: Node, values: Values): void {
  const [, weight, old] = conv.inputs
  const [, scale, bias, mean, variance] = norm.inputs.map(({ name }) => values.get(name)!)
  const epsilon = attribute(norm.attributes, 'epsilon', EPSILON)
  const w = values.get(weight.name)!.slice()
  const b = bias.slice()
  const per = w.length / b.length
  for (let o = 0; o < b.length; o++) {
    const factor = scale[o] / Math.sqrt(variance[o] + epsilon)
    for (let i = o * per; i < (o + 1) * per; i++) w[i] *= factor
    b[o] += factor * ((old ? values.get(old.name)![o] : 0) - mean[o])
  }
  values.set(weight.name, w).set(norm.inputs[2].name, b)
}
