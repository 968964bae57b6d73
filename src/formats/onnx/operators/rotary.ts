/**
 * @file Rotary embeddings of positions (Su et al. 2021): pairs of features are turned by angles whose cosines
 * and sines are given, for ai.onnx (since 23) and for com.microsoft, whose inputs have another order.
 */
import { add, mul, sub } from '../../../graph/operators/elementwise.ts'
import { concat, reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { gathers } from './gathers.ts'
import { headsOf, perSamples, sideBySide } from './heads.ts'
import { rowMajor } from './layouts.ts'
import { part } from './parts.ts'

/** The rows of a table of cosines or sines at some positions: [N or 1, 1, places, pairs]. */
export function anglesAt(
  table: Value | undefined,
  positions: Value | undefined,
  scope: Scope,
  operation: Operation,
): Tensor {
  const { graph } = scope
  const [rows] = positions === undefined ? [table] : gathers.Gather(operation, [table, positions], scope)
  const x = rowMajor(graph, scope.tensor(rows, operation))
  const [samples, places, pairs] = x.shape.length === 2 ? [1, ...x.shape] : x.shape
  return reshape(graph, x, [samples, 1, places, pairs], false)
}

/**
 * x [N, heads, places, size] with its first 2 x pairs features turned. `interleaved`: those of a pair are
 * neighbours; else they are as far from each other as there are pairs. Throws UserError where features are
 * fewer.
 */
export function rotated(
  x: Tensor,
  [cos, sin]: readonly Tensor[],
  interleaved: boolean,
  scope: Scope,
  operation: Operation,
): Tensor {
  const { graph } = scope
  const [size, pairs] = [x.shape[3], cos.shape[3]]
  if (2 * pairs > size)
    throw new UserError(`${operation.label}: expected at least ${2 * pairs} features of each head, found ${size}`)
  const turned = part(scope, x, 3, 0, 2 * pairs)
  const lists = [...x.shape.slice(0, 3), pairs]
  const half = (i: number) =>
    reshape(
      graph,
      interleaved ? part(scope, turned, 3, i, pairs, 2) : part(scope, turned, 3, i * pairs, pairs),
      lists,
      false,
    )
  const [a, b] = [half(0), half(1)]
  const first = sub(graph, mul(graph, a, cos), mul(graph, b, sin))
  const second = add(graph, mul(graph, a, sin), mul(graph, b, cos))
  const apart = [first, second].map((one) => (interleaved ? reshape(graph, one, [...lists, 1], false) : one))
  const joined = reshape(graph, concat(graph, apart, interleaved ? 4 : 3), turned.shape, false)
  const rest = size - 2 * pairs
  return rest === 0 ? joined : concat(graph, [joined, part(scope, x, 3, 2 * pairs, rest)], 3)
}

/** Turns x, [N, heads, places, size] or [N, places, heads x size], and gives it back in its form. */
function embedded(
  x: Value | undefined,
  heads: number,
  angles: readonly Tensor[],
  scope: Scope,
  operation: Operation,
): (Tensor | undefined)[] {
  const interleaved = operation.integer('interleaved', 0) !== 0
  const y = rotated(headsOf(x, heads, scope, operation), angles, interleaved, scope, operation)
  return perSamples(scope, [x?.shape.length === 4 ? y : sideBySide(scope, y)])
}

/** Throws UserError where the attribute rotary_embedding_dim is not what the tables turn. */
function checkTurned(operation: Operation, [{ shape }]: readonly Tensor[]): void {
  const asked = operation.integer('rotary_embedding_dim', 0)
  if (asked !== 0 && asked !== 2 * shape[3])
    throw new UserError(
      `${operation.label}: its rotary_embedding_dim is ${asked}, expected ${2 * shape[3]}, which its tables turn`,
    )
}

/** Inputs X, cosines, sines, positions; without these, cosines and sines [N, places, pairs] are in order. */
const standard: Translator = (operation, [x, cosines, sines, positions], scope) => {
  const angles = [cosines, sines].map((table) => anglesAt(table, positions, scope, operation))
  checkTurned(operation, angles)
  return embedded(x, operation.integer('num_heads', 0), angles, scope, operation)
}

/** Inputs X, positions, cosines, sines; positions are those of every place, or the one of the first place. */
const microsoft: Translator = (operation, [x, positions, cosines, sines], scope) => {
  const { label } = operation
  if (operation.float('scale', 1) !== 1) throw new Unsupported(`${label}: its attribute scale is not supported`)
  if (operation.integer('is_packed_batching', 0) !== 0)
    throw new Unsupported(`${label}: its attribute is_packed_batching is not supported`)
  const flat = x?.shape.length === 3
  const places = x?.shape[flat ? 1 : 2] ?? 0
  const each = positions?.shape.length === 1 ? following(positions, places, scope, operation) : positions
  const angles = [cosines, sines].map((table) => anglesAt(table, each, scope, operation))
  checkTurned(operation, angles)
  const heads = operation.integer('num_heads', 0) || (x?.shape[2] ?? 0) / (2 * angles[0].shape[3])
  return embedded(x, heads, angles, scope, operation)
}

/** The positions of `places` places, of which the first has the one that is known. */
function following(first: Value, places: number, scope: Scope, operation: Operation): Known {
  const [start] = scope.known(first, operation, 'position_ids').list()
  return Known.integers(Array.from({ length: places }, (_, i) => start + i))
}

export const rotary: Record<string, Translator> = {
  RotaryEmbedding: standard,
  'com.microsoft.RotaryEmbedding': microsoft,
}
