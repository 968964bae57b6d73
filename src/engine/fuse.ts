/**
 * @file Fusion: neighbours that one kernel can do at once. Done after differentiation, so no gradient rule knows of it.
 */
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import type { Tensor } from '../graph/tensor.ts'

/** A Gemm or MatMul whose only reader is a Relu becomes one node with the attribute `relu`. */
export function fuse(from: Graph): Graph {
  const readers = new Map<Tensor, number>()
  for (const node of from.nodes) for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1)
  const outputs = new Set(from.outputs.values())
  const products = new Map<Tensor, Node>()
  const graph = new Graph(from)
  graph.nodes.length = 0
  for (const node of from.nodes) {
    const product = node.operator.name === 'Relu' ? products.get(node.inputs[0]) : undefined
    if (product && readers.get(node.inputs[0]) === 1 && !outputs.has(node.inputs[0])) {
      graph.nodes[graph.nodes.indexOf(product)] = {
        ...product,
        outputs: node.outputs,
        attributes: { ...product.attributes, relu: 1 },
      }
      continue
    }
    if (node.operator.name === 'Gemm' || node.operator.name === 'MatMul') products.set(node.outputs[0], node)
    graph.nodes.push(node)
  }
  return graph
}
