/**
 * @file Attention (ai.onnx 23): softmax(scale Q K' + mask) V for every head, also where several heads of Q
 * share one of K and V, with keys and values of earlier calls before those of this one.
 */
import { div } from '../../../graph/operators/arithmetic.ts'
import { batchMatmul } from '../../../graph/operators/batch-product.ts'
import { where } from '../../../graph/operators/comparisons.ts'
import { add, mul } from '../../../graph/operators/elementwise.ts'
import { tanh } from '../../../graph/operators/functions.ts'
import { Softmax } from '../../../graph/operators/loss.ts'
import { concat, reshape, transpose } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'
import { overSamples, rowMajor } from './layouts.ts'

/** [N, heads, places, size], row-major, of that or of [N, places, heads x size]. */
function headsOf(value: Value | undefined, heads: number, scope: Scope, operation: Operation): Tensor {
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

export const attention: Translator = (operation, inputs, scope) => {
  const { graph, batch } = scope
  const { label } = operation
  const [givenQ, givenK, givenV, mask, pastK, pastV, lengths] = inputs
  if (lengths !== undefined) throw new Unsupported(`${label}: its input nonpad_kv_seqlen is not supported`)
  operation.ignore('softmax_precision')
  const flat = givenQ?.shape.length === 3
  const q = headsOf(givenQ, operation.integer('q_num_heads', 0), scope, operation)
  const heads = (value: Value | undefined, past: Value | undefined) => {
    const now = headsOf(value, operation.integer('kv_num_heads', 0), scope, operation)
    if (past === undefined) return now
    const before = rowMajor(graph, scope.tensor(past, operation))
    return concat(graph, [before, now], 2)
  }
  const [k, v] = [heads(givenK, pastK), heads(givenV, pastV)]
  const [samples, all, places, size] = q.shape
  const [, groups, length] = k.shape
  if (all % groups !== 0)
    throw new UserError(`${label}: expected as many heads of Q for each of K, found ${all} and ${groups}`)
  // Heads of Q that share one of K are an axis of their own.
  const apart = reshape(graph, q, [samples, groups, all / groups, places, size], false)
  const shared = (x: Tensor) => reshape(graph, x, [samples, groups, 1, length, x.shape[3]], false)
  const scale = operation.float('scale', 1 / Math.sqrt(size))
  const product = batchMatmul(graph, mul(graph, apart, graph.constant(scale)), shared(k), { transB: 1 })
  const scores = [reshape(graph, product, [samples, all, places, length], false)]
  const after = (step: (x: Tensor) => Tensor) => scores.push(step(scores.at(-1)!))
  const cap = operation.float('softcap', 0)
  after((x) => (cap > 0 ? mul(graph, tanh(graph, div(graph, x, graph.constant(cap))), graph.constant(cap)) : x))
  after((x) => masked(x, mask, pastK?.shape[2] ?? 0, scope, operation))
  after((x) => graph.apply(Softmax, [x], { axis: 3 })[0])
  const weights = reshape(graph, scores[3], [samples, groups, all / groups, places, length], false)
  const width = v.shape[3]
  const y = reshape(graph, batchMatmul(graph, weights, shared(v)), [samples, all, places, width], false)
  const whole = flat ? reshape(graph, transpose(graph, y, [0, 2, 1, 3]), [samples, places, all * width], false) : y
  const mode = operation.integer('qk_matmul_output_mode', 0)
  return [whole, k, v, scores[mode]].map((x) => (x && samples === batch ? overSamples(graph, x) : x))
}

/**
 * Scores [N, heads, places, length] with -infinity where a mask, or the order of places, hides what is there.
 */
function masked(scores: Tensor, mask: Value | undefined, before: number, scope: Scope, operation: Operation): Tensor {
  const { graph } = scope
  const [, , places, length] = scores.shape
  const hidden = graph.constant(-Infinity)
  let result = scores
  if (mask !== undefined) {
    const given = rowMajor(graph, scope.tensor(mask, operation))
    result = scope.typeOf(mask) === 'BOOL' ? where(graph, given, result, hidden) : add(graph, result, given)
  }
  if (operation.integer('is_causal', 0) === 0) return result
  // What was there before the first place of this call is seen by all.
  const seen = Array.from({ length: places * length }, (_, i) => Number(i % length <= Math.floor(i / length) + before))
  return where(graph, graph.constant(seen, [1, 1, places, length]), result, hidden)
}
