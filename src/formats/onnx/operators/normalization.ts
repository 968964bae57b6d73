/** @file Normalizations by what each sample itself is like: its layers, groups, instances, norms. */
import type { Graph } from '../../../graph/graph.ts'
import { div, pow } from '../../../graph/operators/arithmetic.ts'
import { equal, where } from '../../../graph/operators/comparisons.ts'
import { abs, add, mul, reciprocal, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { standardized } from '../../../graph/operators/layer-norm.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { pad, reduceSum, reshape, slice } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { combine } from './elementwise.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { ordered } from './order.ts'
import { axisOf } from './sizes.ts'

const square = (graph: Graph, x: Tensor) => mul(graph, x, x)

/** A value scaled and shifted by what is stored, or computed. */
function scaledBy(value: Value, scale: Value | undefined, bias: Value | undefined, { operation, scope }: Parts): Value {
  const apply = (x: Value, by: Value | undefined, op: typeof mul, learned: number) =>
    by === undefined ? x : combine(operation, [x, by], scope, (graph, [a, b]) => op(graph, a, b), learned)
  return apply(apply(value, scale, mul, 1), bias, add, 0)
}

/** What a normalization is over, the axes from `axis` on, and what is added to a variance. */
export interface NormalOptions {
  axis: number
  epsilon: number
}

interface Parts {
  operation: Operation
  scope: Scope
}

/** The axes of a value from one on, where they lie, and the tensor, row-major where axis 0 is among them. */
function trailing(value: Value | undefined, from: number, { operation, scope }: Parts) {
  const rank = value?.shape.length ?? 0
  const first = axisOf(from, rank, operation)
  const { tensor, axis, back } = ordered(value, operation, scope)
  const axes = Array.from({ length: rank - first }, (_, i) => axis(first + i))
  return { tensor: axes.includes(0) ? rowMajor(scope.graph, tensor) : tensor, axes, back }
}

/**
 * A value normalized, scaled and shifted, its mean, and one over its standard deviation (Ba et al. 2016).
 */
export function layerNormal(
  x: Value | undefined,
  [scale, bias]: readonly (Value | undefined)[],
  { axis, epsilon }: NormalOptions,
  parts: Parts,
): [normal: Value, mean: Value, inverse: Value] {
  const { tensor, axes, back } = trailing(x, axis, parts)
  const [normal, mean, inverse] = standardized(parts.scope.graph, tensor, axes, epsilon).map(back)
  return [scaledBy(normal, scale, bias, parts), mean, inverse]
}

/** x / sqrt(mean of x^2 + epsilon) scale (Zhang & Sennrich 2019), and what x was multiplied with. */
export function rootMeanSquareNormal(
  x: Value | undefined,
  scale: Value | undefined,
  { axis, epsilon }: NormalOptions,
  parts: Parts,
): [normal: Value, inverse: Value] {
  const { graph } = parts.scope
  const { tensor, axes, back } = trailing(x, axis, parts)
  const mean = reduceMean(graph, square(graph, tensor), axes)
  const inverse = reciprocal(graph, sqrt(graph, add(graph, mean, graph.constant(epsilon))))
  return [scaledBy(back(mul(graph, tensor, inverse)), scale, undefined, parts), back(inverse)]
}

/** What a node of ONNX's own says of its normalization. */
function optionsOf(operation: Operation): NormalOptions {
  operation.ignore('stash_type')
  return { axis: operation.integer('axis', -1), epsilon: operation.float('epsilon', 1e-5) }
}

const layer: Translator = (operation, [x, ...rest], scope) =>
  layerNormal(x, rest, optionsOf(operation), { operation, scope })

const rootMeanSquare: Translator = (operation, [x, scale], scope) =>
  rootMeanSquareNormal(x, scale, optionsOf(operation), { operation, scope })

/** What is stored of each channel (or group) as [C, 1, ...], to be broadcast to [N, C, ...]. */
function perChannel(value: Value | undefined, axes: number, operation: Operation, scope: Scope): Value {
  const shape = [value?.shape[0] ?? 0, ...Array<number>(axes).fill(1)]
  if (value?.shape.length !== 1)
    throw new UserError(`${operation.label}: expected one value for each channel, found [${value?.shape}]`)
  if (value instanceof Known) return value.reshaped(shape)
  return reshape(scope.graph, rowMajor(scope.graph, scope.tensor(value, operation)), shape, false)
}

const instance: Translator = (operation, [x, scale, bias], scope) => {
  const tensor = overSamples(scope.graph, scope.tensor(x, operation))
  const places = tensor.shape.map((_, i) => i).slice(2)
  const [normal] = standardized(scope.graph, tensor, places, operation.float('epsilon', 1e-5))
  const [factor, shift] = [scale, bias].map((value) => perChannel(value, places.length, operation, scope))
  return [scaledBy(normal, factor, shift, { operation, scope })]
}

const group: Translator = (operation, [x, scale, bias], scope) => {
  operation.ignore('stash_type')
  const { graph } = scope
  const tensor = overSamples(graph, scope.tensor(x, operation))
  const [samples, channels] = tensor.shape
  const groups = operation.integer('num_groups', 0)
  if (!(groups > 0 && channels % groups === 0))
    throw new UserError(`${operation.label}: expected a num_groups that divides ${channels} channels, found ${groups}`)
  const size = tensor.shape.slice(1).reduce((product, n) => product * n, 1) / groups
  const [normal] = standardized(
    graph,
    reshape(graph, tensor, [samples, groups, size], true),
    [2],
    operation.float('epsilon', 1e-5),
  )
  const whole = reshape(graph, normal, tensor.shape, true)
  // Before opset 21 each group had one scale and one bias.
  const parts = { operation, scope }
  if (operation.opset < 21) {
    const [factor, shift] = [scale, bias].map((value) => perChannel(value, 1, operation, scope))
    const grouped = scope.tensor(scaledBy(normal, factor, shift, parts), operation)
    return [reshape(graph, grouped, tensor.shape, true)]
  }
  const [factor, shift] = [scale, bias].map((value) => perChannel(value, tensor.shape.length - 2, operation, scope))
  return [scaledBy(whole, factor, shift, parts)]
}

/** x divided by its norm along an axis; zeros stay zeros. */
const byNorm: Translator = (operation, [x], scope) => {
  const { graph } = scope
  const p = operation.integer('p', 2)
  if (p !== 1 && p !== 2) throw new UserError(`${operation.label}: expected p 1 or 2, found ${p}`)
  const { tensor: given, axis, back } = ordered(x, operation, scope)
  const at = axis(axisOf(operation.integer('axis', -1), given.shape.length, operation))
  const tensor = at === 0 ? rowMajor(graph, given) : given
  const norm =
    p === 1 ? reduceSum(graph, abs(graph, tensor), [at]) : sqrt(graph, reduceSum(graph, square(graph, tensor), [at]))
  const isZero = equal(graph, norm, graph.constant(0))
  return [back(div(graph, tensor, where(graph, isZero, graph.constant(1), norm)))]
}

/** (x - mean) / (standard deviation + 1e-9) over axes, by default all but that of the channels. */
const meanVariance: Translator = (operation, [x], scope) => {
  const { graph } = scope
  const { tensor: given, axis, back } = ordered(x, operation, scope)
  const asked = operation.integers('axes') ?? [0, 2, 3]
  const axes = asked.map((i) => axis(axisOf(i, given.shape.length, operation)))
  const tensor = axes.includes(0) ? rowMajor(graph, given) : given
  const centred = sub(graph, tensor, reduceMean(graph, tensor, axes))
  const deviation = sqrt(graph, reduceMean(graph, square(graph, centred), axes))
  return [back(div(graph, centred, add(graph, deviation, graph.constant(1e-9))))]
}

/**
 * x / (bias + alpha / size times the sum of squares over `size` neighbouring channels)^beta (Krizhevsky et
 * al. 2012).
 */
const localResponse: Translator = (operation, [x], scope) => {
  const { graph } = scope
  const tensor = scope.tensor(x, operation)
  const size = operation.integer('size', 0)
  if (!(size > 0 && tensor.shape.length >= 2))
    throw new Unsupported(`${operation.label}: expected channels on axis 1 and a size above 0, found ${size}`)
  const [alpha, beta, bias] = [
    operation.float('alpha', 1e-4),
    operation.float('beta', 0.75),
    operation.float('bias', 1),
  ]
  const channels = (n: number) => tensor.shape.map((_, i) => (i === 1 ? n : 0))
  const before = Math.floor((size - 1) / 2)
  const padded = pad(graph, square(graph, tensor), channels(before), channels(size - 1 - before))
  let sum = slice(graph, padded, channels(0), tensor.shape)
  for (let i = 1; i < size; i++) sum = add(graph, sum, slice(graph, padded, channels(i), tensor.shape))
  const base = add(graph, mul(graph, sum, graph.constant(alpha / size)), graph.constant(bias))
  return [mul(graph, tensor, pow(graph, base, graph.constant(-beta)))]
}

export const normalization: Record<string, Translator> = {
  LayerNormalization: layer,
  RMSNormalization: (...node) => rootMeanSquare(...node).slice(0, 1),
  // What ONNX Runtime has had under ONNX's own domain since before there was RMSNormalization.
  SimplifiedLayerNormalization: rootMeanSquare,
  GroupNormalization: group,
  InstanceNormalization: instance,
  LpNormalization: byNorm,
  MeanVarianceNormalization: meanVariance,
  LRN: localResponse,
}
