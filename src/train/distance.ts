/**
 * @file How far what a network computes is from what the dense network computed of the same samples: what
 * stands in for a loss where nobody says what it should compute. The distance of a sample is a sum over
 * outputs, none of which has a unit:
 *
 * - the mean over the elements of an output of (y - d)^2, over the variance that its dense values d have over
 *   samples and elements: 1 is as far away as the mean of d is;
 * - where a softmax follows, the cross-entropy against the dense network's own probabilities, less that
 *   network's own (the Kullback-Leibler divergence), in nats, the mean over the places that have a softmax.
 *
 * At the dense network a distance D is 0, and so is its gradient. What is pruned by gradients of single
 * samples takes those of D + c y instead, with coefficients c of the results y that are drawn for every
 * sample: random signs, scaled by the spread, and where a softmax follows p - e, e the class that is drawn by
 * its probabilities p. The mean of c over draws is 0, so that of these gradients is the gradient of D; their
 * second moment at the dense network is that of J'c, J the derivative of y by the weights, which is the
 * Gauss-Newton matrix of D: its Hessian there.
 */
import type { Graph } from '../graph/graph.ts'
import { loadFloats } from '../graph/operators/batch.ts'
import { add, mul, sub } from '../graph/operators/elementwise.ts'
import { perClass, sampleCrossEntropy, softmax } from '../graph/operators/loss.ts'
import { reduceMean } from '../graph/operators/mean.ts'
import { reduceSum, reshape, slice } from '../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import type { Random } from '../util/random.ts'

/**
 * Whether samples are judged by distances: they have no labels, or what is computed of them are no classes.
 */
export const judgesByDistance = ({ outputs }: Pick<Model, 'outputs'>, data: { classes?: number }): boolean =>
  outputs !== undefined || data.classes === undefined

/** An output among the results of a sample. */
export interface OutputPart {
  name: string
  /** Its place among the results, and how many of them it has. */
  start: number
  size: number
  /** Neighbours among them that are logits of one softmax; absent where none follows. */
  classes?: number
}

/** The outputs of a network in the order of its results. */
export function outputParts({ outputs, classes, softmax: isSoftmax = true }: Model): OutputPart[] {
  if (!outputs) return [{ name: 'scores', start: 0, size: classes, ...(isSoftmax && { classes }) }]
  let end = 0
  return outputs.map(({ name, shape, softmax: follows }) => {
    const size = sizeOf(shape)
    end += size
    return { name, start: end - size, size, ...(follows && { classes: shape[shape.length - 1] }) }
  })
}

/**
 * The states that distances are taken with: what the dense network computed, and by what that is weighted.
 */
export const targetsName = (source: string): string => `${source}.targets`
export const weightsName = (source: string): string => `${source}.weights`
/** The state of the coefficients c of every sample, [count, R]. */
export const directionsName = (source: string): string => `${source}.directions`

export interface Distances {
  /** Of every sample, [N]. */
  losses: Tensor
  /** By output, [N] each. */
  parts: Tensor[]
}

/**
 * Appends the distances of results [N, R] from those in the state {@link targetsName} [count, R], by the
 * weights in {@link weightsName} [1, R], of the samples that `index` [N] names.
 */
export function distances(
  graph: Graph,
  model: Model,
  { name, count }: { name: string; count: number },
  index: Tensor,
  scores: Tensor,
): Distances {
  const [samples, size] = scores.shape
  const targets = loadFloats(graph, graph.state(targetsName(name), [count, size]), index)
  const weights = graph.state(weightsName(name), [1, size])
  const parts = outputParts(model).map((part) => {
    const of = (x: Tensor) =>
      part.size === size ? x : slice(graph, x, [0, part.start], [x.batched ? samples : 1, part.size])
    if (part.classes !== undefined) return divergence(graph, of(scores), of(targets), part.classes)
    const apart = sub(graph, of(scores), of(targets))
    return reduceSum(graph, mul(graph, mul(graph, apart, apart), of(weights)), [1], 0)
  })
  return { losses: parts.reduce((sum, part) => add(graph, sum, part)), parts }
}

/** Appends c y of every sample, [N]: see above. */
export function projections(
  graph: Graph,
  { name, count }: { name: string; count: number },
  index: Tensor,
  scores: Tensor,
): Tensor {
  const directions = graph.state(directionsName(name), [count, scores.shape[1]])
  return reduceSum(graph, mul(graph, loadFloats(graph, directions, index), scores), [1], 0)
}

/**
 * Of every sample the mean over places of sum p (log p - log q), p the softmax of dense logits and q that of
 * z, both [N, places x classes]. With the dense logits d it is log sum e^z - log sum e^d - p (z - d), exactly
 * 0 at z = d.
 */
function divergence(graph: Graph, z: Tensor, dense: Tensor, classes: number): Tensor {
  const samples = z.shape[0]
  const places = z.shape[1] / classes
  const apart = (x: Tensor): Tensor => {
    if (places === 1) return perClass(graph, x)
    const rows = reshape(graph, reshape(graph, x, x.shape, false), [samples * places, classes], false)
    return perClass(graph, reshape(graph, rows, rows.shape, true))
  }
  const [logits, targets] = [apart(z), apart(dense)]
  const [rows, columns] = logits.shape
  const none = graph.constant(0, [rows], true)
  const first = (x: Tensor) => reshape(graph, slice(graph, x, [0, 0], [rows, 1]), [rows], true)
  const logSum = (x: Tensor) => add(graph, sampleCrossEntropy(graph, x, none), first(x))
  const moved = mul(graph, softmax(graph, targets), sub(graph, logits, targets))
  const linear = columns === 1 ? first(moved) : reduceSum(graph, moved, [1], 0)
  const each = sub(graph, sub(graph, logSum(logits), logSum(targets)), linear)
  if (places === 1) return each
  const whole = reshape(graph, reshape(graph, each, [rows], false), [samples, places], false)
  return reduceMean(graph, reshape(graph, whole, whole.shape, true), [1], 0)
}

/**
 * The weights of squared differences, [R], that dense results [count, R] ask for: 1 / (variance x elements)
 * of the output; where it is the same everywhere, its mean square stands in for the variance, and 1 for that
 * of zeros.
 */
export function distanceWeights(model: Model, targets: ArrayLike<number>, count: number): Float64Array {
  const weights = new Float64Array(model.classes)
  for (const { start, size } of outputParts(model)) {
    const values = count * size
    const over = (f: (x: number) => number) => {
      let sum = 0
      for (let n = 0; n < count; n++)
        for (let i = start; i < start + size; i++) sum += f(targets[n * model.classes + i])
      return sum / values
    }
    const mean = over((x) => x)
    const variance = over((x) => (x - mean) ** 2)
    // Rounding leaves a little variance of what is the same everywhere.
    const spread = variance > 1e-12 * mean ** 2 ? variance : mean ** 2 || 1
    weights.fill(1 / (spread * size), start, start + size)
  }
  return weights
}

/**
 * The coefficients c of the results of a sample, [R], drawn from a stream of its own: with squares weighted
 * by w, signs times sqrt(2 w); of a softmax over P places p - e, over sqrt(P).
 */
export function drawDirections(
  model: Model,
  dense: ArrayLike<number>,
  weights: ArrayLike<number>,
  draw: Random,
): Float64Array {
  const directions = new Float64Array(model.classes)
  for (const { start, size, classes } of outputParts(model)) {
    if (classes === undefined) {
      for (let i = start; i < start + size; i++) directions[i] = (draw.bits() & 1 ? 1 : -1) * Math.sqrt(2 * weights[i])
      continue
    }
    const scale = 1 / Math.sqrt(size / classes)
    for (let at = start; at < start + size; at += classes) {
      const shares = probabilities(dense, at, classes)
      let left = draw.uniform()
      // Of one score, the other class is the one that has none.
      const drawn = shares.findIndex((share) => (left -= share) < 0)
      shares.forEach((share, c) => void (directions[at + c] = scale * (share - (c === drawn ? 1 : 0))))
    }
  }
  return directions
}

/** The softmax of logits; of one score the sigmoid, the probability of class 1. */
export function probabilities(logits: ArrayLike<number>, at: number, classes: number): number[] {
  if (classes === 1) return [1 / (1 + Math.exp(-logits[at]))]
  const own = Array.from({ length: classes }, (_, c) => logits[at + c])
  const most = Math.max(...own)
  const powers = own.map((z) => Math.exp(z - most))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}

/** How far an output is from that of the dense network, a mean over samples. */
export interface OutputDistance {
  name: string
  distance: number
  /** What the distance is: a share of the dense output's variance, or a divergence in nats. */
  unit: 'variance' | 'nats'
}

/** Means over samples. */
export interface Distance {
  /** The sum over outputs. */
  loss: number
  outputs: readonly OutputDistance[]
  count: number
}
