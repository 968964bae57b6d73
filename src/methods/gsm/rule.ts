/**
 * @file Global Sparse Momentum SGD (Ding et al., NeurIPS 2019, arXiv 1909.12778): pruning by training,
 * without a regularizer and without fine-tuning.
 *
 *     T = |g w|                               (importance; g of this mini-batch)
 *     B = 1 at the Q largest T of all kernels together, else 0, chosen anew at every step
 *     v = momentum v + B g + weightDecay w
 *     w = w - learningRate v                  (with Nesterov as in src/optim/sgd.ts)
 *
 * Q weights are active and learn as usual; the others are passive: decay alone acts on them, through the same
 * momentum, until they have all but vanished. In the end the Q largest weights are kept. From a step on T can
 * be |w| instead (`freeze`, not in the paper): active are then those that would be kept, the others can only
 * shrink. Biases, scales and shifts of normalizations are not ranked, always get their gradient and, here, do
 * not decay. Exactly Q weights are active at every step: ties go to the earlier tensor, then to the lower
 * index.
 */
import type { Graph } from '../../graph/graph.ts'
import { abs, add, mul, sub } from '../../graph/operators/elementwise.ts'
import { RunningAverage } from '../../graph/operators/norm.ts'
import { selectTop } from '../../graph/operators/select.ts'
import { reduceSum, reshape } from '../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { SgdOptions } from '../../optim/sgd.ts'
import type { Network } from '../../train/network.ts'
import type { GradientRule } from '../../train/rules.ts'
import { checkWhole } from '../../util/checks.ts'

/** The output of a training step that is the sum of all importances, so finite only where all of them are. */
export const IMPORTANCE = 'sum of all importances |g w|'

/** The output of a training step that is the number of weights active at it and at the step before. */
export const STAYED = 'active.stayed'

/** The state tensor that holds a parameter's B of the last step. */
export const activeName = (parameter: string): string => `${parameter}.active`

/** The state tensor [1] that is 1 where T = |w|, and 0 where T = |g w|. */
export const FROZEN = 'active.frozen'

/**
 * GSM as a rule for gradients, with exactly `active` weights active (Q). Throws UserError where that is no
 * number of weights.
 */
export function globalSparseMomentum(active: number): GradientRule {
  checkWhole('active', active ?? null, 1)
  return {
    apply: (graph, parameters, gradients) => activeGradients(graph, parameters, gradients, active),
    begin(network) {
      for (const { name } of network.prunable) network.executable.view(activeName(name)).fill(1)
    },
  }
}

/** From here on the largest weights of a network that trains by this rule are the active ones. */
export function freezeActive(network: Network): void {
  network.state(FROZEN)[0] = 1
}

/**
 * The gradients B g of the parameters, with exactly `active` weights active (Q). Adds the outputs
 * {@link IMPORTANCE} and {@link STAYED}.
 */
export function activeGradients(
  graph: Graph,
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  active: number,
): Tensor[] {
  const frozen = graph.state(FROZEN, [1], { saved: 'floats' })
  const moving = sub(graph, graph.constant(1), frozen)
  const importances = parameters.map((weight, i) => {
    const slope = add(graph, mul(graph, abs(graph, gradients[i]), moving), frozen)
    return mul(graph, slope, abs(graph, weight))
  })
  graph.output(IMPORTANCE, sumOf(graph, importances))
  const masks = selectTop(graph, importances, active)
  const before = parameters.map(({ name, shape }) => graph.state(activeName(name), shape, { saved: 'bits' }))
  const both = masks.map((mask, i) => mul(graph, mask, before[i]))
  graph.output(STAYED, sumOf(graph, both))
  masks.forEach((mask, i) => {
    graph.apply(RunningAverage, [before[i], mask], { rate: 1, factor: 1 })
  })
  return masks.map((mask, i) => mul(graph, gradients[i], mask))
}

/** The sum of all values of some tensors. */
const sumOf = (graph: Graph, tensors: readonly Tensor[]): Tensor =>
  tensors
    .map((tensor) => reduceSum(graph, reshape(graph, tensor, [sizeOf(tensor.shape)]), [0], 0))
    .reduce((total, sum) => add(graph, total, sum))

/**
 * What a passive weight is multiplied by at every step, once its momentum has settled: the larger root of x²
 * - (1 + b - a) x + b = 0, with b the momentum and a = learningRate weightDecay, for Nesterov of x² - (1 + b
 * - a (1 + b)) x + b (1 - a) = 0. For small a both are 1 - a / (1 - b). Undefined where the roots are complex
 * (without Nesterov: a > (1 - sqrt b)²): the weight then swings through zero.
 */
export function passiveFactor(learningRate: number, options: SgdOptions): number | undefined {
  const { momentum: b = 0, weightDecay = 0, nesterov = false } = options
  const a = learningRate * weightDecay
  const [sum, product] = nesterov ? [1 + b - a * (1 + b), b * (1 - a)] : [1 + b - a, b]
  const discriminant = sum * sum - 4 * product
  return discriminant < 0 ? undefined : (sum + Math.sqrt(discriminant)) / 2
}

/** A weight that is always passive should shrink to less than e^-7, a thousandth, of what it was. */
const ENOUGH = 7

/**
 * What is wrong with a schedule, before any training: one sentence, or nothing. `rates`: the learning rate of
 * every step.
 */
export function passiveProblem(rates: Iterable<number>, options: SgdOptions): string | undefined {
  let shrink = 0
  let last: { rate: number; log: number } | undefined
  for (const rate of rates) {
    if (rate !== last?.rate) {
      const factor = passiveFactor(rate, options)
      if (factor === undefined)
        return `at a learning rate of ${rate} passive weights oscillate instead of shrinking: learning rate times weight decay is ${(rate * (options.weightDecay ?? 0)).toPrecision(2)}, too much for a momentum of ${options.momentum ?? 0}`
      last = { rate, log: Math.log(factor) }
    }
    shrink -= last.log
  }
  if (shrink >= ENOUGH) return undefined
  return `the schedule shrinks a passive weight only ${Math.exp(shrink).toPrecision(3)} times, expected ${Math.round(Math.exp(ENOUGH))} or more: more steps, learning rate, momentum or weight decay are needed, or the final pruning will cost accuracy`
}
