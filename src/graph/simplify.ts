/**
 * @file Graph passes: constants are folded, nodes that nothing needs are dropped.
 */
import { Graph } from './graph.ts'
import type { Node } from './operator.ts'
import type { Tensor } from './tensor.ts'

/** A graph with the same outputs and updates and fewer nodes. */
export function simplify(graph: Graph): Graph {
  return dropDeadNodes(foldConstants(graph))
}

/** Replaces nodes whose inputs are all uniform constants by a constant. */
export function foldConstants(from: Graph): Graph {
  const replaced = new Map<Tensor, Tensor>()
  const current = (tensor: Tensor) => replaced.get(tensor) ?? tensor
  const graph = new Graph(from)
  graph.nodes.length = 0
  for (const node of from.nodes) {
    const inputs = node.inputs.map(current)
    const values = inputs.map((input) => (input.role === 'constant' ? input.values : undefined))
    if (node.operator.fold && values.every((value) => typeof value === 'number')) {
      const [output] = node.outputs
      replaced.set(output, graph.constant(node.operator.fold(values as number[]), output.shape, output.batched))
    } else {
      graph.nodes.push({ ...node, inputs })
    }
  }
  for (const [name, tensor] of graph.outputs) graph.outputs.set(name, current(tensor))
  return graph
}

/** Keeps the nodes that an output or an in-place update needs, and the tensors that they use. */
export function dropDeadNodes(from: Graph): Graph {
  const live = new Set<Tensor>(from.outputs.values())
  const nodes: Node[] = []
  for (const node of [...from.nodes].reverse()) {
    if (!node.operator.writes?.length && !node.outputs.some((output) => live.has(output))) continue
    nodes.push(node)
    for (const input of node.inputs) live.add(input)
    for (const output of node.outputs) live.add(output)
  }
  const graph = new Graph(from)
  graph.nodes.splice(0, graph.nodes.length, ...nodes.reverse())
  for (const [name, tensor] of graph.tensors) {
    const droppable = tensor.role === 'value' || tensor.role === 'constant'
    if (droppable && !live.has(tensor)) graph.tensors.delete(name)
  }
  return graph
}
