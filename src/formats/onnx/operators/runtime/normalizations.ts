/** @file Normalizations that ONNX Runtime joins with the sum before them, or with embeddings. */
import { equal } from '../../../../graph/operators/comparisons.ts'
import { add } from '../../../../graph/operators/elementwise.ts'
import { reduceSum } from '../../../../graph/operators/shape.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import type { Scope, Translator } from '../../scope.ts'
import { Known, type Value } from '../../value.ts'
import { combine } from '../elementwise.ts'
import { gathers } from '../gathers.ts'
import { layerNormal, rootMeanSquareNormal } from '../normalization.ts'
import { part } from '../parts.ts'

/** What there is of some values, added from left to right. */
const sumOf = (values: readonly (Value | undefined)[], operation: Operation, scope: Scope): Value | undefined =>
  values
    .filter((value) => value !== undefined)
    .reduce((sum, value) => combine(operation, [sum, value], scope, (graph, [a, b]) => add(graph, a, b), 0))

/** The default of all of them. */
const EPSILON = 1e-12

/** Outputs: the normalized sum, its mean, what was multiplied with, the sum itself. */
const skipped: Translator = (operation, [x, skip, gamma, beta, bias], scope) => {
  const sum = sumOf([x, skip, bias], operation, scope)
  const options = { axis: -1, epsilon: operation.float('epsilon', EPSILON) }
  return [...layerNormal(sum, [gamma, beta], options, { operation, scope }), sum]
}

const skippedSimplified: Translator = (operation, [x, skip, gamma, bias], scope) => {
  const sum = sumOf([x, skip, bias], operation, scope)
  const options = { axis: -1, epsilon: operation.float('epsilon', EPSILON) }
  const [normal, inverse] = rootMeanSquareNormal(sum, gamma, options, { operation, scope })
  return [normal, undefined, inverse, sum]
}

/** Words, positions and segments looked up, added and normalized: [N, places, size]. */
const embedded: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const [ids, segments, words, positions, kinds, gamma, beta, mask, places] = inputs
  const found = (table: Value | undefined, at: Value | undefined) => gathers.Gather(operation, [table, at], scope)[0]
  const length = ids?.shape[1] ?? 0
  const inOrder = () => {
    const table = positions instanceof Known ? scope.parameter(positions, 0) : scope.tensor(positions, operation)
    if (table.shape[0] < length)
      throw new UserError(`${operation.label}: expected at least ${length} positions, found ${table.shape[0]}`)
    return part(scope, table, 0, 0, length)
  }
  const parts = [found(words, ids), places ? found(positions, places) : inOrder(), segments && found(kinds, segments)]
  const sum = sumOf(parts, operation, scope)
  const options = { axis: -1, epsilon: operation.float('epsilon', EPSILON) }
  const [normal] = layerNormal(sum, [gamma, beta], options, { operation, scope })
  operation.ignore('mask_index_type')
  // How many words of each sample count.
  const shown = mask && equal(graph, scope.tensor(mask, operation), graph.constant(1))
  const count = shown ? reduceSum(graph, shown, [1], 0) : graph.constant(0, [ids?.shape[0] ?? 1])
  return [normal, count, sum]
}

export const normalizations: Record<string, Translator> = {
  SkipLayerNormalization: skipped,
  SkipSimplifiedLayerNormalization: skippedSimplified,
  EmbedLayerNormalization: embedded,
}
