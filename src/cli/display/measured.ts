/**
 * @file What is measured of a network, in words: accuracy and loss, or where there are no labels distances.
 */
import type { Distance, OutputDistance } from '../../train/distance.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { measureMetric } from '../../train/measure-metric.ts'
import type { Measurements, Metric } from '../../train/metric.ts'
import type { Network } from '../../train/network.ts'
import { percent } from '../../util/format.ts'

/** Where a measure of one's own was asked for, with its numbers. */
export type Measured = (Evaluation | Distance) & { metrics?: Measurements }

/** On the test set. Throws what the measure throws. */
export function measured(network: Network, metric?: Metric): Measured {
  const found = network.judgedByDistance ? network.distance() : network.evaluate('test')
  return metric ? { ...found, metrics: measureMetric(network, metric) } : found
}

export const isDistance = (one: Measured): one is Distance & Measured => 'outputs' in one

/** Throws where there were no labels. */
export function asEvaluation(one: Measured): Evaluation & Measured {
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

/** What the numbers of a measure of one's own are called, each with which way is better. */
export const metricLabels = ({ values, better }: Measurements): string[] =>
  Object.keys(values).map((name) => `${name} (${better === 'high' ? 'higher' : 'lower'} is better)`)

/** A number of a measure of one's own, which may have any size. */
export const metricText = (value: number): string =>
  Number.isInteger(value) || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6)
    ? `${Number(value.toFixed(4))}`
    : value.toExponential(3)

/** A line for each of these numbers; none where nothing was asked for. */
export function metricLines({ metrics }: Measured): string[] {
  if (!metrics) return []
  const labels = metricLabels(metrics)
  return Object.values(metrics.values).map((value, k) => `${labels[k]}: ${metricText(value)}`)
}

/** Rows of a table whose columns are states of a network, each with a label. */
export function measuredRows(states: readonly Measured[]): string[][] {
  const [{ metrics }] = states
  const own = metrics ? metricLabels(metrics) : []
  const names = Object.keys(metrics?.values ?? {})
  const numbers = (name: string) => states.map((state) => metricText(state.metrics?.values[name] ?? Number.NaN))
  return [...usualRows(states), ...names.map((name, k) => [own[k], ...numbers(name)])]
}

function usualRows(states: readonly Measured[]): string[][] {
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
