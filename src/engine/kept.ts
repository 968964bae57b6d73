/**
 * @file What a training step has to remember from its forward to its backward part: the least that any plan
 * needs that computes nothing twice.
 */
import type { Graph } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { loweringOf } from './lowering/index.ts'

/**
 * The values that nodes of `forward` produce and that the backward part of `step` reads, each once, however
 * many names (reshapes) its memory has. Parameters, inputs and constants are not among them, nor what only
 * the forward part reads. `step` is an extension of `forward` by gradients and updates, as it is run (see
 * {@link Layout}); its backward part begins with the first node whose result `forward` does not have.
 */
export function keptForBackward(step: Graph, forward: Graph): Set<Tensor> {
  const produced = new Set(forward.withRole('value'))
  const original = new Map<Tensor, Tensor>()
  const kept = new Set<Tensor>()
  let backward = false
  for (const node of step.nodes) {
    const inputs = node.inputs.map((tensor) => original.get(tensor) ?? tensor)
    if (loweringOf(node).aliases?.(node)) original.set(node.outputs[0], inputs[0])
    backward ||= node.outputs.some((output) => !produced.has(output))
    if (backward) for (const input of inputs) if (produced.has(input)) kept.add(input)
  }
  return kept
}
