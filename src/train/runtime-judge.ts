/**
 * @file What a model is worth that ONNX Runtime runs, on test samples: loss and accuracy by labels, or how
 * far its outputs are from those of another model (see distance.ts), and the numbers of a measure of one's
 * own.
 */
import type { SampleSet } from '../data/dataset.ts'
import type { Closing } from '../formats/onnxruntime/closing.ts'
import type { FoundArray } from '../formats/onnxruntime/session.ts'
import { classesOf } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { ClassCounts } from './class-counts.ts'
import type { Distance } from './distance.ts'
import type { Evaluation } from './evaluation.ts'
import { type Measurements, type Metric, type MetricBatch, metricBatch } from './metric.ts'
import { OutputApart } from './output-apart.ts'
import type { RuntimeModel } from './runtime-model.ts'

export interface RuntimeJudging {
  /** The other model of distances; absent: labels judge. */
  dense?: RuntimeModel
  /** Which test samples; default: all. */
  samples?: readonly number[]
  metric?: Metric
}

/** Throws UserError where an output is not finite, or not of the shape that the other model gives. */
export async function judgeInRuntime(
  runtime: RuntimeModel,
  data: SampleSet,
  { dense, samples = Array.from({ length: data.test.count }, (_, n) => n), metric }: RuntimeJudging,
): Promise<(Evaluation | Distance) & { metrics?: Measurements }> {
  const run = metric?.begin()
  const judge = dense ? new DistanceJudge(runtime) : new LabelJudge(runtime, data)
  const { batch } = runtime
  for (let at = 0; at < samples.length; at += batch) {
    const some = samples.slice(at, at + batch)
    // What is written for several samples gets the last one several times, where too few are left.
    const filled = Array.from({ length: batch }, (_, n) => some[Math.min(n, some.length - 1)])
    const inputs = runtime.inputs(data, 'test', filled)
    const found = rowsOf(runtime, await runtime.run(inputs), some)
    judge.add(found, dense ? rowsOf(dense, await dense.run(inputs), some) : found, some)
    run?.add(metricBatch(data, some, shared(found, runtime)))
  }
  const result = judge.result(samples.length)
  return metric && run ? { ...result, metrics: { better: metric.better, values: run.value() } } : result
}

/** Outputs of some samples, [samples, ...] each. Throws UserError where one is not computed by sample. */
function rowsOf(
  { batch, outputs, model }: RuntimeModel,
  found: ReadonlyMap<string, FoundArray>,
  samples: readonly number[],
): Record<string, FoundArray> {
  const rows = outputs.map(({ name }) => {
    const { shape, values } = found.get(name)!
    const wrong = values.findIndex((x) => !Number.isFinite(x))
    if (wrong >= 0)
      throw new UserError(
        `${model.name} computes ${values[wrong]} of test sample ${samples[0]} in its output ${name}, expected finite numbers`,
      )
    if (shape[0] === batch) {
      const size = values.length / batch
      const own = { shape: [samples.length, ...shape.slice(1)], values: values.subarray(0, samples.length * size) }
      return [name, own] as const
    }
    if (batch === 1) return [name, { shape: [1, ...shape], values }] as const
    throw new UserError(
      `${model.name}: its output ${name} [${shape}] is not computed for each sample of a batch of ${batch}, expected another one with --only-output`,
    )
  })
  return Object.fromEntries(rows)
}

/** Outputs as measures of one's own see them everywhere: probabilities in the place of their logarithms. */
const shared = (found: Record<string, FoundArray>, { outputs }: RuntimeModel): MetricBatch['outputs'] =>
  Object.fromEntries(
    outputs.map(({ name, closing }) => {
      const { shape, values } = found[name]
      return [name, { shape, values: closing === 'log-softmax' ? values.map(Math.exp) : values }]
    }),
  )

interface Judge {
  add(found: MetricBatch['outputs'], dense: MetricBatch['outputs'], samples: readonly number[]): void
  result(count: number): Evaluation | Distance
}

class DistanceJudge implements Judge {
  readonly #apart: readonly OutputApart[]

  constructor({ outputs, model }: RuntimeModel) {
    this.#apart = outputs.map((output) => new OutputApart(output, model))
  }

  add(found: MetricBatch['outputs'], dense: MetricBatch['outputs'], samples: readonly number[]): void {
    for (const apart of this.#apart) apart.add(found[apart.name], dense[apart.name], samples[0])
  }

  result(count: number): Distance {
    const outputs = this.#apart.map((apart) => apart.result(count))
    return { loss: outputs.reduce((sum, { distance }) => sum + distance, 0), outputs, count }
  }
}

class LabelJudge implements Judge {
  readonly #counts: ClassCounts
  readonly #labels: NonNullable<SampleSet['test']['labels']>
  readonly #name: string
  readonly #closing?: Closing
  #loss = 0
  #correct = 0

  constructor({ model, outputs: [{ name, closing }] }: RuntimeModel, { test }: SampleSet) {
    if (!test.labels) throw new Error('expected labels to judge by')
    this.#labels = test.labels
    this.#counts = new ClassCounts(classesOf(model))
    this.#name = name
    this.#closing = closing
  }

  add(found: MetricBatch['outputs'], _: MetricBatch['outputs'], samples: readonly number[]): void {
    const { values } = found[this.#name]
    const size = values.length / samples.length
    samples.forEach((sample, n) => {
      const label = this.#labels[sample]
      const row = Array.from({ length: size }, (_, i) => values[n * size + i])
      const logits = logitsOf(row, size === 1 && this.#closing !== 'sigmoid' ? undefined : this.#closing)
      this.#loss += crossEntropy(logits, label)
      this.#counts.addBatch(logits, [label])
      const best = size === 1 ? (logits[0] > 0 ? 1 : 0) : logits.indexOf(Math.max(...logits))
      if (best === label) this.#correct++
    })
  }

  result(count: number): Evaluation {
    const top5 = this.#counts.top5()
    const accuracy = this.#correct / count
    return {
      loss: this.#loss / count,
      accuracy,
      correct: this.#correct,
      count,
      ...this.#counts.macro(),
      ...(top5 !== undefined && { top5 }),
    }
  }
}

/** The least probability whose logarithm is taken: that of float32. */
const LEAST = 2 ** -149

/** What goes into the softmax, but for a constant, or into the sigmoid; scores without either are logits. */
function logitsOf(row: readonly number[], closing: Closing | undefined): number[] {
  if (closing === 'softmax') return row.map((share) => Math.log(Math.max(share, LEAST)))
  if (closing === 'sigmoid' && row.length === 1)
    return row.map((share) => Math.log(Math.max(share, LEAST)) - Math.log(Math.max(1 - share, LEAST)))
  return [...row]
}

function crossEntropy(logits: readonly number[], label: number): number {
  const all = logits.length === 1 ? [0, logits[0]] : logits
  const most = Math.max(...all)
  return most + Math.log(all.reduce((sum, z) => sum + Math.exp(z - most), 0)) - all[label]
}
