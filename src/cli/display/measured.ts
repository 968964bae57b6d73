/**
 * @file What is measured of a network, in words: accuracy and loss, or where there are no labels distances.
 */
import type { Distance, OutputDistance } from '../../train/distance.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'
import { percent } from '../../util/format.ts'

export type Measured = Evaluation | Distance

/** On the test set. */
export const measured = (network: Network): Measured =>
  network.judgedByDistance ? network.distance() : network.evaluate('test')

export const isDistance = (one: Measured): one is Distance => 'outputs' in one

/** Throws where there were no labels. */
export function asEvaluation(one: Measured): Evaluation {
  if (isDistance(one)) throw new Error('expected labels, by which an accuracy is measured')
  return one
}

/** Such as `test accuracy 91.00 %, loss 0.3100`. */
export const measuredText = (one: Measured): string =>
  isDistance(one)
    ? `distance from the dense network ${one.loss.toFixed(4)}`
    : `test accuracy ${percent(one.accuracy)}, loss ${one.loss.toFixed(4)}`

/** Of the distance of an output. */
export const distanceLabel = ({ name, unit }: OutputDistance): string =>
  unit === 'nats' ? `${name} (divergence, nats)` : `${name} (share of variance)`

/** Rows of a table whose columns are states of a network, each with a label. */
export function measuredRows(states: readonly Measured[]): string[][] {
  const [first] = states
  if (!isDistance(first)) {
    const evaluations = states.map(asEvaluation)
    return [
      ['test accuracy', ...evaluations.map(({ accuracy }) => percent(accuracy))],
      ['test loss', ...evaluations.map(({ loss }) => loss.toFixed(4))],
    ]
  }
  const distances = states.filter(isDistance)
  const each = first.outputs.map((output, k) => [
    distanceLabel(output),
    ...distances.map(({ outputs }) => outputs[k].distance.toFixed(4)),
  ])
  return each.length === 1 ? each : [...each, ['sum', ...distances.map(({ loss }) => loss.toFixed(4))]]
}

/** What distances are. */
export const DISTANCES =
  'distances are from what the dense network computes of the test samples: squared differences over the variance of an output, or where it ends in a softmax the divergence from its own probabilities'
