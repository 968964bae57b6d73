/** @file Nodes of a graph appended to another one, on other inputs. */
import type { Graph } from './graph.ts'
import type { Node } from './operator.ts'
import type { Tensor } from './tensor.ts'

/** What a tensor is called in the graph that it is taken over to. */
type Rename = (name: string) => string
const SAME: Rename = (name) => name

/**
 * Appends nodes to a graph, on what `known` has in the place of their inputs; parameters and buffers get the
 * names that `rename` gives them. Returns `known` with all outputs. Throws where an input is a value of a
 * node, an input or a state that `known` does not have.
 */
export function replay(
  graph: Graph,
  nodes: readonly Node[],
  known: Map<Tensor, Tensor>,
  rename = SAME,
): Map<Tensor, Tensor> {
  for (const { operator, inputs, outputs, attributes } of nodes) {
    const twins = inputs.map((input) => twinOf(graph, input, known, rename))
    const results = graph.apply(operator, twins, attributes)
    outputs.forEach((output, i) => {
      known.set(output, results[i])
    })
  }
  return known
}

/** What a graph has in the place of a tensor: what is known, or a parameter, buffer or constant like it. */
export function twinOf(graph: Graph, tensor: Tensor, known: Map<Tensor, Tensor>, rename = SAME): Tensor {
  const found = known.get(tensor) ?? leaf(graph, tensor, rename(tensor.name))
  known.set(tensor, found)
  return found
}

function leaf(graph: Graph, { name, shape, role, batched, values, initial }: Tensor, called: string): Tensor {
  if (role === 'constant') return graph.constant(values!, shape, batched)
  const found = graph.tensors.get(called)
  if (found) return found
  if (role === 'parameter') return graph.parameter(called, shape, initial)
  if (role === 'buffer') return graph.buffer(called, shape, 0)
  throw new Error(`${name} is a ${role}: expected values that nodes compute, parameters and constants`)
}

/** Everything that some tensors are computed from by these nodes, themselves included. */
export function neededFor(tensors: Iterable<Tensor>, nodes: readonly Node[]): Set<Tensor> {
  const needed = new Set(tensors)
  for (const { inputs, outputs } of [...nodes].reverse())
    if (outputs.some((output) => needed.has(output))) for (const input of inputs) needed.add(input)
  return needed
}
