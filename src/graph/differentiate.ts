/**
 * @file Reverse-mode differentiation, from graph to graph. The result is an ordinary graph: it can be run,
 * simplified, and differentiated again.
 */
import type { Graph } from './graph.ts'
import type { Node } from './operator.ts'
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
 * The gradients of a scalar with respect to some tensors. Does not change the given graph. A tensor that the
 * loss does not depend on has a gradient of zeros. Second derivatives: make a scalar of the gradients in the
 * returned graph, and call again. Throws where `loss` is not a scalar.
 */
export function differentiate(from: Graph, loss: Tensor, wrt: readonly Tensor[]): Differentiated {
  if (loss.shape.length !== 0) throw new Error(`differentiate: expected a scalar loss, found ${describe(loss)}`)
  const graph = from.clone()
  const needed = dependents(from.nodes, wrt)
  const gradients = new Map<Tensor, Tensor>([[loss, graph.constant(1)]])
  propagate(graph, from.nodes, gradients, needed)
  return {
    graph,
    gradients: wrt.map((tensor) => gradients.get(tensor) ?? graph.constant(0, tensor.shape, tensor.batched)),
  }
}

/** Carries gradients from the outputs of some nodes back to their inputs, for the tensors that are needed. */
function propagate(
  graph: Graph,
  nodes: readonly Node[],
  gradients: Map<Tensor, Tensor>,
  needed: ReadonlySet<Tensor>,
): void {
  const accumulate = (tensor: Tensor, arrived: Tensor | undefined) => {
    if (!arrived || !needed.has(tensor)) return
    // A gradient lies in memory as its tensor does: optimizer steps walk both side by side.
    const more = reshape(graph, arrived, tensor.shape, tensor.batched)
    const sum = gradients.get(tensor)
    gradients.set(tensor, sum ? add(graph, sum, more) : more)
  }
  for (const node of [...nodes].reverse()) {
    const { gradient, decompose } = node.operator
    if (!node.outputs.some((output) => gradients.has(output) && needed.has(output))) continue
    const outgoing = node.outputs.map((output) => gradients.get(output))
    if (gradient) {
      const incoming = gradient(graph, node, outgoing)
      for (const [i, input] of node.inputs.entries()) accumulate(input, incoming[i])
    } else if (decompose) {
      const start = graph.nodes.length
      const outputs = decompose(graph, node)
      const parts = graph.nodes.slice(start)
      const inside = new Map<Tensor, Tensor>()
      for (const [i, output] of outputs.entries()) if (outgoing[i]) inside.set(output, outgoing[i])
      const sources = node.inputs.filter((input) => needed.has(input))
      propagate(graph, parts, inside, dependents(parts, sources))
      for (const input of new Set(sources)) accumulate(input, inside.get(input))
    }
  }
}

/** The tensors whose value depends on one of `sources`, sources included. */
function dependents(nodes: readonly Node[], sources: readonly Tensor[]): Set<Tensor> {
  const found = new Set(sources)
  for (const node of nodes)
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output)
  return found
}
