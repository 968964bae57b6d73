/**
 * @file Reverse-mode differentiation, from graph to graph. The result is an ordinary graph: it can be run,
 * simplified, and differentiated again.
 */
import type { Graph } from './graph.ts'
import { add } from './operators/elementwise.ts'
import { reshape } from './operators/shape.ts'
import { describe, type Tensor } from './tensor.ts'

export interface Differentiated {
  /** The given graph followed by the nodes of the gradients. */
  graph: Graph
  /** d loss / d wrt[i], of the shape of wrt[i]. */
  gradients: Tensor[]
}

/**
 * The gradients of a scalar with respect to some tensors. Does not change the given graph. A tensor that the loss does not
 * depend on has a gradient of zeros. Second derivatives: make a scalar of the gradients in the returned graph, and call again.
 * Throws where `loss` is not a scalar.
 */
export function differentiate(from: Graph, loss: Tensor, wrt: readonly Tensor[]): Differentiated {
  if (loss.shape.length !== 0) throw new Error(`differentiate: expected a scalar loss, found ${describe(loss)}`)
  const graph = from.clone()
  const needed = dependents(graph, wrt)
  const gradients = new Map<Tensor, Tensor>([[loss, graph.constant(1)]])

  for (const node of [...from.nodes].reverse()) {
    if (!node.operator.gradient || !node.outputs.some((output) => gradients.has(output) && needed.has(output))) continue
    const incoming = node.operator.gradient(
      graph,
      node,
      node.outputs.map((output) => gradients.get(output)),
    )
    node.inputs.forEach((input, i) => {
      const arrived = incoming[i]
      if (!arrived || !needed.has(input)) return
      // A gradient lies in memory as its tensor does: optimizer steps walk both side by side.
      const more = reshape(graph, arrived, input.shape, input.batched)
      const sum = gradients.get(input)
      gradients.set(input, sum ? add(graph, sum, more) : more)
    })
  }
  return {
    graph,
    gradients: wrt.map((tensor) => gradients.get(tensor) ?? graph.constant(0, tensor.shape, tensor.batched)),
  }
}

/** The tensors whose value depends on one of `sources`, sources included. */
function dependents(graph: Graph, sources: readonly Tensor[]): Set<Tensor> {
  const found = new Set(sources)
  for (const node of graph.nodes)
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output)
  return found
}
