/** @file The samples of a batch one by one, for models that mix what they compute of several. */
import type { Graph } from '../../graph/graph.ts'
import { concat, reshape, slice } from '../../graph/operators/shape.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Scope } from './scope.ts'

/** What is appended to a graph for some samples; `beside` is the scope of another part of it. */
export type BuildRows = (samples: Tensor, beside?: Scope) => { scope: Scope; scores: Tensor }

/** Rows of scores [N, ...] of samples [N, ...], each built for itself, with shared parameters. */
export function inTurn(graph: Graph, samples: Tensor, build: BuildRows): ReturnType<BuildRows> {
  const [batch, ...sample] = samples.shape
  if (batch === 1) return build(samples)
  const apart = reshape(graph, samples, samples.shape, false)
  const results: Tensor[] = []
  let scope: Scope | undefined
  for (let i = 0; i < batch; i++) {
    const one = slice(graph, apart, [i, ...sample.map(() => 0)], [1, ...sample])
    const built = build(reshape(graph, one, one.shape, true), scope)
    scope ??= built.scope
    results.push(reshape(graph, built.scores, built.scores.shape, false))
  }
  const joined = concat(graph, results, 0)
  return { scope: scope!, scores: reshape(graph, joined, joined.shape, true) }
}
