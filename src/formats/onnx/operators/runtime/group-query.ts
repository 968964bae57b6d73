/**
 * @file Attention whose heads of queries share keys and values, and look back only (Ainslie et al. 2023), for
 * a whole sequence at once: with nothing before it, and nothing that is left out at its end.
 */
import { div } from '../../../../graph/operators/arithmetic.ts'
import { mul } from '../../../../graph/operators/elementwise.ts'
import { tanh } from '../../../../graph/operators/functions.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import { type Scope, type Translator, Unsupported } from '../../scope.ts'
import { Known, type Value } from '../../value.ts'
import { headsOf, lookingBack, perSamples, scoresOf, sharesOf, sideBySide, weighted } from '../heads.ts'
import { rowMajor } from '../layouts.ts'
import { anglesAt, rotated } from '../rotary.ts'
import { partsOf } from './attention.ts'
import { biasedScores, refuseAttributes, refuseInputs } from './masks.ts'

/** Queries, keys and values with their heads, of three inputs or of one. */
function headsApart(inputs: readonly (Value | undefined)[], scope: Scope, operation: Operation): Tensor[] {
  const [query, key, value] = inputs
  const [heads, groups] = [operation.integer('num_heads', 0), operation.integer('kv_num_heads', 0)]
  const counts = [heads, groups, groups]
  if (query?.shape.length !== 3)
    throw new UserError(`${operation.label}: expected [samples, places, features], found [${query?.shape}]`)
  const size = query.shape[2] / (heads + 2 * groups)
  const given: readonly (Value | undefined)[] =
    key === undefined && value === undefined
      ? partsOf(
          rowMajor(scope.graph, scope.tensor(query, operation)),
          counts.map((count) => count * size),
          scope,
          operation,
        )
      : [query, key, value]
  return given.map((one, i) => headsOf(one, counts[i], scope, operation))
}

/** Throws Unsupported where a sequence is not known to have all of `places` places. */
function checkLengths(last: Value | undefined, places: number, scope: Scope, operation: Operation): void {
  const list = scope.known(last, operation, 'input seqlens_k').list()
  if (list.some((n) => n !== places - 1))
    throw new Unsupported(
      `${operation.label}: its input seqlens_k is [${list}], and only whole sequences (${places - 1}) are supported`,
    )
}

export const groupQuery: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const [, , , pastKey, pastValue, last, , cosines, sines, positions, bias, sink] = inputs
  const past = [pastKey, pastValue].map((value) => (value?.shape.includes(0) ? undefined : value))
  refuseInputs(operation, { past_key: past[0], past_value: past[1], head_sink: sink })
  refuseAttributes(operation, { local_window_size: -1, smooth_softmax: 0, qk_output: 0 })
  let [q, k, v] = headsApart(inputs, scope, operation)
  const places = q.shape[2]
  checkLengths(last, places, scope, operation)
  const interleaved = operation.integer('rotary_interleaved', 0) !== 0
  if (operation.integer('do_rotary', 0) !== 0) {
    const at = positions ?? Known.integers(Array.from({ length: places }, (_, i) => i))
    const angles = [cosines, sines].map((table) => anglesAt(table, at, scope, operation))
    ;[q, k] = [q, k].map((x) => rotated(x, angles, interleaved, scope, operation))
  }
  const scale = operation.float('scale', 0) || 1 / Math.sqrt(q.shape[3])
  const product = scoresOf(q, k, scale, scope, operation)
  const cap = operation.float('softcap', 0)
  const limit = graph.constant(cap)
  const scores = cap > 0 ? mul(graph, tanh(graph, div(graph, product, limit)), limit) : product
  const seen = lookingBack(scope, biasedScores(scores, bias, scope, operation))
  return perSamples(scope, [sideBySide(scope, weighted(scope, sharesOf(scope, seen), v)), k, v])
}
