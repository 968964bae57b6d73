/** @file The steps of attention with several heads, which may share keys and values. All is row-major. */
import { batchMatmul } from '../../../graph/operators/batch-product.ts'
import { where } from '../../../graph/operators/comparisons.ts'
import { mul } from '../../../graph/operators/elementwise.ts'
import { Softmax } from '../../../graph/operators/loss.ts'
import { reshape, transpose } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import type { Scope } from '../scope.ts'
import type { Value } from '../value.ts'
import { overSamples, rowMajor } from './layouts.ts'

/** [N, heads, places, size] of that or of [N, places, heads x size]. Throws UserError where it is neither. */
export function headsOf(value: Value | undefined, heads: number, scope: Scope, operation: Operation): Tensor {
  const { graph } = scope
  const x = rowMajor(graph, scope.tensor(value, operation))
  if (x.shape.length === 4) return x
  const [samples, places, width] = x.shape
  if (x.shape.length !== 3 || !(heads > 0) || width % heads !== 0)
    throw new UserError(
      `${operation.label}: expected [samples, heads, places, size], or [samples, places, ${heads} heads x size], found [${x.shape}]`,
    )
  return transpose(graph, reshape(graph, x, [samples, places, heads, width / heads], false), [0, 2, 1, 3])
}

/** [N, heads, places, size] as [N, places, heads x size]. */
export function sideBySide({ graph }: Scope, x: Tensor): Tensor {
  const [samples, heads, places, size] = x.shape
  return reshape(graph, transpose(graph, x, [0, 2, 1, 3]), [samples, places, heads * size], false)
}

/** Heads of queries that share one of keys as an axis of their own: [N, groups, heads / groups, ...]. */
function grouped({ graph }: Scope, x: Tensor, groups: number): Tensor {
  const [samples, heads, ...rest] = x.shape
  return reshape(graph, x, [samples, groups, heads / groups, ...rest], false)
}

/** scale Q K', [N, heads, places, length]: how much each place looks at each other one. */
export function scoresOf(q: Tensor, k: Tensor, scale: number, scope: Scope, operation: Operation): Tensor {
  const { graph } = scope
  const [samples, heads, places] = q.shape
  const [, groups, length] = k.shape
  if (heads % groups !== 0)
    throw new UserError(`${operation.label}: expected as many heads of Q for each of K, found ${heads} and ${groups}`)
  const scaled = mul(graph, grouped(scope, q, groups), graph.constant(scale))
  const product = batchMatmul(graph, scaled, grouped(scope, k, groups), { transB: 1 })
  return reshape(graph, product, [samples, heads, places, length], false)
}

/** The shares of places, which sum to 1 over the last axis. */
export const sharesOf = ({ graph }: Scope, scores: Tensor): Tensor => graph.apply(Softmax, [scores], { axis: 3 })[0]

/** Values [N, groups, length, size] by shares: [N, heads, places, size]. */
export function weighted(scope: Scope, shares: Tensor, v: Tensor): Tensor {
  const { graph } = scope
  const [samples, heads, places] = shares.shape
  const [, groups, , size] = v.shape
  const product = batchMatmul(graph, grouped(scope, shares, groups), grouped(scope, v, groups))
  return reshape(graph, product, [samples, heads, places, size], false)
}

/** Scores with -infinity where a place would look ahead; the first `before` places are behind all. */
export function lookingBack({ graph }: Scope, scores: Tensor, before = 0): Tensor {
  const [, , places, length] = scores.shape
  const seen = Array.from({ length: places * length }, (_, i) => Number(i % length <= Math.floor(i / length) + before))
  return where(graph, graph.constant(seen, [1, 1, places, length]), scores, graph.constant(-Infinity))
}

/** Results with as many rows as there are samples lie over them again. */
export const perSamples = ({ graph, batch }: Scope, results: readonly (Tensor | undefined)[]) =>
  results.map((x) => (x && x.shape[0] === batch ? overSamples(graph, x) : x))
