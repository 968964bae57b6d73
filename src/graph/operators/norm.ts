/**
 * @file Batch normalization (Ioffe & Szegedy 2015; ONNX BatchNormalization), with given statistics or the
 * batch's own.
 *
 *     y = scale (x - mean) / sqrt(var + epsilon) + bias     per channel
 *
 * Running statistics follow PyTorch: new = (1 - momentum) old + momentum batch, momentum 0.1 (ONNX's momentum
 * is 1 minus that), with the unbiased variance (divided by n - 1), while the batch itself is normalized with
 * the biased one.
 */
import type { Graph } from '../graph.ts'
import { attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Tensor } from '../tensor.ts'
import { add, mul, neg, reciprocal, sqrt, sub } from './elementwise.ts'
import { reduceMean } from './mean.ts'
import { reduceSum, reshape } from './shape.ts'

export const EPSILON = 1e-5
const MOMENTUM = 0.1

/**
 * Inputs x [N, C, ...], scale [C], bias [C], mean [C], var [C]; attribute epsilon. The statistics are given.
 */
export const BatchNormalization: Operator = {
  name: 'BatchNormalization',
  infer: ([x, ...rest]) => {
    checkChannels('BatchNormalization', x, rest)
    return [{ shape: x.shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x, scale, _bias, mean, variance], attributes }, [dy]) => {
    if (!dy) return [undefined, undefined, undefined, undefined, undefined]
    const inverse = inverseStd(graph, variance, attribute(attributes, 'epsilon', EPSILON))
    const normal = mul(graph, sub(graph, x, perChannel(graph, mean, x)), perChannel(graph, inverse, x))
    const factor = mul(graph, scale, inverse)
    const dmean = neg(graph, mul(graph, sumPerChannel(graph, dy), factor))
    const half = graph.constant(-0.5)
    const dscale = sumPerChannel(graph, mul(graph, dy, normal))
    const dvar = mul(graph, mul(graph, mul(graph, dscale, scale), mul(graph, inverse, inverse)), half)
    return [mul(graph, dy, perChannel(graph, factor, x)), dscale, sumPerChannel(graph, dy), dmean, dvar]
  },
}

/** Inputs x [N, C, ...], scale [C], bias [C]. Outputs y, and the batch's mean and biased variance [C]. */
export const BatchNormTrain: Operator = {
  name: 'BatchNormTrain',
  infer: ([x, scale, bias]) => {
    checkChannels('BatchNormTrain', x, [scale, bias])
    const channels = { shape: scale.shape, batched: false }
    return [{ shape: x.shape, batched: x.batched }, channels, channels]
  },
  gradient: (graph, { inputs: [x, scale], outputs: [, mean, variance], attributes }, [dy]) =>
    dy
      ? graph.apply(BatchNormTrainGrad, [dy, x, scale, mean, variance], attributes)
      : [undefined, undefined, undefined],
}

/** Inputs dy, x, scale, mean, var as BatchNormTrain had them. Outputs dx, dscale, dbias. */
export const BatchNormTrainGrad: Operator = {
  name: 'BatchNormTrainGrad',
  infer: ([dy, , scale]) => [
    { shape: dy.shape, batched: dy.batched },
    { shape: scale.shape, batched: false },
    { shape: scale.shape, batched: false },
  ],
  // Mean and variance are functions of x here, so the second derivative sees all of it.
  decompose: (graph, { inputs: [dy, x, scale], attributes }) => {
    const mean = meanPerChannel(graph, x)
    const centred = sub(graph, x, perChannel(graph, mean, x))
    const variance = meanPerChannel(graph, mul(graph, centred, centred))
    const inverse = inverseStd(graph, variance, attribute(attributes, 'epsilon', EPSILON))
    const normal = mul(graph, centred, perChannel(graph, inverse, x))
    const product = mul(graph, dy, normal)
    const shift = perChannel(graph, meanPerChannel(graph, dy), x)
    const slope = mul(graph, normal, perChannel(graph, meanPerChannel(graph, product), x))
    const dx = mul(graph, sub(graph, sub(graph, dy, shift), slope), perChannel(graph, mul(graph, scale, inverse), x))
    return [dx, sumPerChannel(graph, product), sumPerChannel(graph, dy)]
  },
}

/**
 * running += rate (factor batch - running), in place. Inputs running [C], batch [C]; attributes rate, factor.
 */
export const RunningAverage: Operator = {
  name: 'RunningAverage',
  writes: [0],
  infer: () => [],
}

/** What a batch normalization is made of, [C] each. */
export interface NormParts {
  scale: Tensor
  bias: Tensor
  mean: Tensor
  variance: Tensor
}

export interface NormOptions {
  training: boolean
  /** Default 1e-5. */
  epsilon?: number
  /** Share of the batch's statistics in the running ones. Default 0.1. */
  momentum?: number
}

/** Normalizes x; in training by the batch's statistics, which update mean and variance. */
export function normalize(graph: Builder, x: Tensor, parts: NormParts, options: NormOptions): Tensor {
  const { scale, bias, mean, variance } = parts
  const { training, epsilon = EPSILON, momentum = MOMENTUM } = options
  if (!training) return graph.apply(BatchNormalization, [x, scale, bias, mean, variance], { epsilon })[0]
  const [y, batchMean, batchVar] = graph.apply(BatchNormTrain, [x, scale, bias], { epsilon })
  const n = x.shape.reduce((product, size) => product * size, 1) / x.shape[1]
  graph.apply(RunningAverage, [mean, batchMean], { rate: momentum, factor: 1 })
  graph.apply(RunningAverage, [variance, batchVar], { rate: momentum, factor: n > 1 ? n / (n - 1) : 1 })
  return y
}

/**
 * A batch normalization layer with parameters `<name>.weight` (1 at first), `<name>.bias` (0) and buffers
 * `<name>.running_mean`, `<name>.running_var`. In training it uses the batch's statistics and updates the
 * buffers.
 */
export function batchNorm(graph: Graph, x: Tensor, name: string, training: boolean): Tensor {
  const shape = [x.shape[1]]
  const parts = {
    scale: graph.parameter(`${name}.weight`, shape, 1),
    bias: graph.parameter(`${name}.bias`, shape, 0),
    mean: graph.buffer(`${name}.running_mean`, shape, 0),
    variance: graph.buffer(`${name}.running_var`, shape, 1),
  }
  return normalize(graph, x, parts, { training })
}

function checkChannels(operator: string, x: Tensor, rest: readonly Tensor[]): void {
  check(x.shape.length >= 2, operator, () => `expected channels on axis 1, found ${describe(x)}`)
  for (const tensor of rest)
    check(tensor.shape.length === 1 && tensor.shape[0] === x.shape[1], operator, () => {
      return `expected one value for each of the ${x.shape[1]} channels of ${describe(x)}, found ${describe(tensor)}`
    })
}

const otherAxes = (x: Tensor) => x.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
const sumPerChannel = (graph: Builder, x: Tensor) => reduceSum(graph, x, otherAxes(x), 0)
const meanPerChannel = (graph: Builder, x: Tensor) => reduceMean(graph, x, otherAxes(x), 0)
const perChannel = (graph: Builder, values: Tensor, like: Tensor) =>
  reshape(graph, values, [values.shape[0], ...like.shape.slice(2).map(() => 1)], false)
const inverseStd = (graph: Builder, variance: Tensor, epsilon: number) =>
  reciprocal(graph, sqrt(graph, add(graph, variance, graph.constant(epsilon))))
