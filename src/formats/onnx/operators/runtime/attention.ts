/** @file Attention as ONNX Runtime joins it: of one matrix for queries, keys and values, or of all three. */
import { add } from '../../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import { type Scope, type Translator, Unsupported } from '../../scope.ts'
import { Known, type Value } from '../../value.ts'
import { combine } from '../elementwise.ts'
import { headsOf, lookingBack, perSamples, scoresOf, sharesOf, sideBySide, weighted } from '../heads.ts'
import { rowMajor } from '../layouts.ts'
import { part } from '../parts.ts'
import { products } from '../products.ts'
import { biasedScores, hidden, refuseAttributes, refuseInputs } from './masks.ts'

/** Consecutive parts of the last axis, of these widths. Throws UserError where they are not all of it. */
export function partsOf(x: Tensor, widths: readonly number[], scope: Scope, operation: Operation): Tensor[] {
  const last = x.shape.length - 1
  const sum = widths.reduce((a, b) => a + b, 0)
  if (sum !== x.shape[last] || widths.some((n) => !(Number.isInteger(n) && n > 0)))
    throw new UserError(`${operation.label}: expected ${x.shape[last]} features in parts, found parts of [${widths}]`)
  return widths.map((width, i) => {
    const from = widths.slice(0, i).reduce((a, b) => a + b, 0)
    return part(scope, x, last, from, width)
  })
}

/** What is to be attended to, and with which mask (an input of this name). */
interface Attended {
  q: Tensor
  k: Tensor
  v: Tensor
  mask: readonly [name: string, Value | undefined]
  bias?: Value
}

/** softmax(scale Q K' + bias + mask) V, heads side by side: [N, places, heads x size]. */
function attended({ q, k, v, mask, bias }: Attended, scope: Scope, operation: Operation): Tensor {
  // 0 is the default, and stands for 1 / sqrt(size).
  const scale = operation.float('scale', 0) || 1 / Math.sqrt(q.shape[3])
  const scores = biasedScores(scoresOf(q, k, scale, scope, operation), bias, scope, operation)
  const masked = hidden(scores, ...mask, scope, operation)
  const seen = operation.integer('unidirectional', 0) ? lookingBack(scope, masked) : masked
  return sideBySide(scope, weighted(scope, sharesOf(scope, seen), v))
}

function headCount(operation: Operation): number {
  const heads = operation.integer('num_heads', 0)
  if (!(heads > 0)) throw new UserError(`${operation.label}: expected a num_heads of at least 1, found ${heads}`)
  return heads
}

const joined: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const [x, weights, given, mask, past, bias, pastLength] = inputs
  refuseInputs(operation, { past, past_sequence_length: pastLength })
  refuseAttributes(operation, { do_rotary: 0, past_present_share_buffer: 0 })
  operation.ignore('rotary_embedding_dim')
  if (x?.shape.length !== 3)
    throw new UserError(`${operation.label}: expected [samples, places, features], found [${x?.shape}]`)
  const heads = headCount(operation)
  const [product] = products.MatMul(operation, [x, weights], scope)
  const sum = given ? combine(operation, [product, given], scope, (_, [a, b]) => add(graph, a, b), 0) : product
  const all = rowMajor(graph, scope.tensor(sum, operation))
  const third = all.shape[2] / 3
  const widths = operation.integers('qkv_hidden_sizes') ?? [third, third, third]
  const [q, k, v] = partsOf(all, widths, scope, operation).map((one) => headsOf(one, heads, scope, operation))
  return perSamples(scope, [attended({ q, k, v, mask: ['mask_index', mask], bias }, scope, operation)])
}

/** Queries, keys and values with their parts of a bias. */
function withBias(
  values: readonly (Value | undefined)[],
  bias: Value | undefined,
  scope: Scope,
  operation: Operation,
): readonly (Value | undefined)[] {
  if (bias === undefined) return values
  if (values.some((value) => value?.shape.length !== 3))
    throw new Unsupported(`${operation.label}: a bias is supported of [samples, places, features] alone`)
  const all = bias instanceof Known ? scope.parameter(bias, 0) : rowMajor(scope.graph, scope.tensor(bias, operation))
  const parts = partsOf(
    all,
    values.map((value) => value?.shape[2] ?? 0),
    scope,
    operation,
  )
  return values.map((value, i) => combine(operation, [value, parts[i]], scope, (graph, [a, b]) => add(graph, a, b)))
}

/** Outputs: the result, and keys and values as the next call would take them. */
const multiHead: Translator = (operation, inputs, scope) => {
  const [query, key, value, bias, mask, attentionBias, pastKey, pastValue, pastLength, cache] = inputs
  refuseInputs(operation, {
    past_key: pastKey,
    past_value: pastValue,
    past_sequence_length: pastLength,
    cache_indirection: cache,
  })
  if (key === undefined || value === undefined)
    throw new Unsupported(`${operation.label}: queries, keys and values in one input are not supported`)
  const heads = headCount(operation)
  const [q, k, v] = withBias([query, key, value], bias, scope, operation).map((one) =>
    headsOf(one, heads, scope, operation),
  )
  const y = attended({ q, k, v, mask: ['key_padding_mask', mask], bias: attentionBias }, scope, operation)
  return perSamples(scope, [y, k, v])
}

export const attentions: Record<string, Translator> = { Attention: joined, MultiHeadAttention: multiHead }
