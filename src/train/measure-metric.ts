/** @file A measure of one's own, taken of a network over its whole test set. */
import type { Model, RowPart } from '../models/model.ts'
import { outputParts, probabilities } from './distance.ts'
import { overBatches } from './evaluation.ts'
import { type Measurements, type Metric, type MetricArray, type MetricBatch, metricBatch } from './metric.ts'
import type { Network } from './network.ts'

/** Throws what the measure throws. */
export function measureMetric({ executable, model, data }: Network, metric: Metric): Measurements {
  const run = metric.begin()
  const all = Uint32Array.from({ length: data.test.count }, (_, i) => i)
  overBatches(executable, model, 'test', all, (program, batch) => {
    const outputs = outputsOf(model, executable.read(program, 'logits'), batch.length)
    run.add(metricBatch(data, [...batch], outputs))
  })
  return { better: metric.better, values: run.value() }
}

/** The outputs of a file of the network: results [samples, model.classes] apart, with what closes them. */
function outputsOf(model: Model, results: ArrayLike<number>, samples: number): MetricBatch['outputs'] {
  const own: readonly Pick<RowPart, 'name' | 'shape'>[] = model.outputs ?? [
    { name: model.output ?? 'scores', shape: [model.classes] },
  ]
  const closed = model.outputs !== undefined || model.softmax === true
  const parts = outputParts(model).map(({ start, size, classes }, k) => {
    const values = new Float32Array(samples * size)
    for (let n = 0; n < samples; n++) {
      const from = n * model.classes + start
      for (let i = 0; i < size; i++) values[n * size + i] = results[from + i]
      for (let at = 0; closed && classes !== undefined && at < size; at += classes)
        values.set(probabilities(results, from + at, classes), n * size + at)
    }
    const array: MetricArray = { shape: [samples, ...own[k].shape], values }
    return [own[k].name, array] as const
  })
  return Object.fromEntries(parts)
}
