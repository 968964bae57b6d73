/**
 * @file A measure of one's own: numbers that somebody's code makes of what a network computes of the test
 * samples, which come to it batch by batch.
 */
import type { SampleSet } from '../data/dataset.ts'

/** Numbers of some samples, row-major. */
export interface MetricArray {
  /** [samples, ...]. */
  shape: readonly number[]
  values: ArrayLike<number>
}

/** What a measure is told of a batch of test samples. */
export interface MetricBatch {
  /**
   * What a file of the network computes of them, by the names of its outputs; of a softmax or a closing
   * sigmoid the probabilities. A built-in network has one output, `scores`, its logits.
   */
  outputs: Readonly<Record<string, MetricArray>>
  /** The classes that the data say, [samples]. Absent: they say none. */
  labels?: readonly number[]
  /** The array `targets` of the data. Absent: there is none. */
  targets?: MetricArray
  /** The image files, relative to the folder. Absent: samples are no files of their own. */
  files?: readonly string[]
  /** The places of the samples in the test set, from 0 on. */
  samples: readonly number[]
}

/** Numbers by their names. */
export type MetricValues = Readonly<Record<string, number>>

/** A pass over the test set. */
export interface MetricRun {
  add(batch: MetricBatch): void
  /** Of all that was added. */
  value(): MetricValues
}

export interface Metric {
  /** Which of two numbers is that of the better network. */
  better: 'high' | 'low'
  /** A pass over the test set, which has seen nothing yet. */
  begin(): MetricRun
}

/** What was measured. */
export interface Measurements extends Pick<Metric, 'better'> {
  values: MetricValues
}

/** A batch for a measure: all that the data say of some test samples, beside what a network makes of them. */
export function metricBatch(
  { test }: SampleSet,
  samples: readonly number[],
  outputs: MetricBatch['outputs'],
): MetricBatch {
  const { labels, targets, files } = test
  return {
    outputs,
    samples,
    ...(labels && { labels: samples.map((sample) => labels[sample]) }),
    ...(targets && { targets: rowsOf(targets, samples) }),
    ...(files && { files: samples.map((sample) => files[sample]) }),
  }
}

function rowsOf({ shape: [count, ...rest], values }: MetricArray, samples: readonly number[]): MetricArray {
  const size = values.length / count
  const rows = new Float32Array(samples.length * size)
  samples.forEach((sample, n) => {
    for (let i = 0; i < size; i++) rows[n * size + i] = values[sample * size + i]
  })
  return { shape: [samples.length, ...rest], values: rows }
}
