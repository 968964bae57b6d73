/**
 * @file Attention (ai.onnx 23): softmax(scale Q K' + mask) V for every head, also where several heads of Q
 * share one of K and V, with keys and values of earlier calls before those of this one.
 */
import { div } from '../../../graph/operators/arithmetic.ts'
import { where } from '../../../graph/operators/comparisons.ts'
import { add, mul } from '../../../graph/operators/elementwise.ts'
import { tanh } from '../../../graph/operators/functions.ts'
import { concat } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'
import { headsOf, lookingBack, perSamples, scoresOf, sharesOf, sideBySide, weighted } from './heads.ts'
import { rowMajor } from './layouts.ts'

export const attention: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const { label } = operation
  const [givenQ, givenK, givenV, mask, pastK, pastV, lengths] = inputs
  if (lengths !== undefined) throw new Unsupported(`${label}: its input nonpad_kv_seqlen is not supported`)
  operation.ignore('softmax_precision')
  const q = headsOf(givenQ, operation.integer('q_num_heads', 0), scope, operation)
  const heads = (value: Value | undefined, past: Value | undefined) => {
    const now = headsOf(value, operation.integer('kv_num_heads', 0), scope, operation)
    if (past === undefined) return now
    const before = rowMajor(graph, scope.tensor(past, operation))
    return concat(graph, [before, now], 2)
  }
  const [k, v] = [heads(givenK, pastK), heads(givenV, pastV)]
  const scale = operation.float('scale', 1 / Math.sqrt(q.shape[3]))
  const scores = [scoresOf(q, k, scale, scope, operation)]
  const after = (step: (x: Tensor) => Tensor) => scores.push(step(scores.at(-1)!))
  const cap = operation.float('softcap', 0)
  after((x) => (cap > 0 ? mul(graph, tanh(graph, div(graph, x, graph.constant(cap))), graph.constant(cap)) : x))
  after((x) => masked(x, mask, pastK?.shape[2] ?? 0, scope, operation))
  after((x) => sharesOf(scope, x))
  const y = weighted(scope, scores[3], v)
  const whole = givenQ?.shape.length === 3 ? sideBySide(scope, y) : y
  return perSamples(scope, [whole, k, v, scores[operation.integer('qk_matmul_output_mode', 0)]])
}

/**
 * Scores [N, heads, places, length] with -infinity where a mask, or the order of places, hides what is there.
 */
function masked(scores: Tensor, mask: Value | undefined, before: number, scope: Scope, operation: Operation): Tensor {
  const { graph } = scope
  let result = scores
  if (mask !== undefined) {
    const given = rowMajor(graph, scope.tensor(mask, operation))
    const isShown = scope.typeOf(mask) === 'BOOL'
    result = isShown ? where(graph, given, result, graph.constant(-Infinity)) : add(graph, result, given)
  }
  return operation.integer('is_causal', 0) === 0 ? result : lookingBack(scope, result, before)
}
