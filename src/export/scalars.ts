/**
 * @file The metrics of a run as scalars by tag and step, named as users of TensorBoard expect: `train/loss`,
 * `test/accuracy`, `sparsity/LAYER`. Shares lie between 0 and 1, as everywhere in a run's folder.
 */
import { z } from 'zod'
import type { EpochReport, PruneReport, RunResult } from '../experiment/run/events.ts'
import type { MetricsRecord } from '../experiment/run/records.ts'
import type { Gap } from '../methods/gsm/selection.ts'
import type { RewiringEvent } from '../methods/rewiring/event.ts'
import type { LayerCount } from '../sparsity/mask.ts'
import type { Evaluation } from '../train/evaluation.ts'
import { checkSchema } from '../util/check-schema.ts'

/** What a record says at a step. */
export interface Point {
  /** Optimizer steps taken before. */
  step: number
  /** Unix seconds. */
  time: number
  /** By tag. */
  values: ReadonlyMap<string, number>
}

/** What every record but the last of a run has to have. */
const stepSchema = z.looseObject({ step: z.int().min(0) })

/**
 * The points of a run's records, in their order. A tag has one value at a step: of several records at one
 * step the last one that says it counts. The result, which has no step of its own, is at the last one.
 * `source` is what messages call the file; `time` (Unix seconds) is that of records without one. Throws
 * UserError where a record has no step.
 */
export function pointsOf(records: readonly MetricsRecord[], source: string, time: number): Point[] {
  let last = 0
  const points = records.map((record, i) => {
    if (record.type !== 'final')
      last = checkSchema(stepSchema, record, { source: `${source}: line ${i + 1}`, whole: 'record' }).step
    const written = Date.parse(record.time ?? '') / 1000
    return { step: last, time: Number.isFinite(written) ? written : time, values: valuesOf(record) }
  })
  const owners = new Map(
    points.flatMap((point) => [...point.values.keys()].map((tag) => [`${point.step} ${tag}`, point])),
  )
  return points
    .map((point) => {
      const own = [...point.values].filter(([tag]) => owners.get(`${point.step} ${tag}`) === point)
      return { ...point, values: new Map(own) }
    })
    .filter(({ values }) => values.size > 0)
}

function valuesOf(record: MetricsRecord): Map<string, number> {
  const entries = Object.entries(taggedOf(record))
  return new Map(entries.filter((entry): entry is [string, number] => Number.isFinite(entry[1])))
}

type Tagged = Record<string, number | undefined>

function taggedOf(record: MetricsRecord): Tagged {
  switch (record.type) {
    case 'epoch':
      return ofEpoch(record)
    case 'prune':
      return ofPruning(record)
    case 'rewire':
      return ofRewiring(record)
    case 'final':
      return ofResult(record)
    default:
      return {} // of another version
  }
}

const ofEpoch = (epoch: EpochReport): Tagged => ({
  epoch: epoch.epoch,
  'train/loss': epoch.trainLoss,
  'train/accuracy': epoch.trainAccuracy,
  'train/learning_rate': epoch.learningRate,
  'sparsity/all': epoch.sparsity,
  'validation/loss': epoch.validationLoss,
  'validation/accuracy': epoch.validationAccuracy,
  'validation/top5': epoch.validationTop5,
  'validation/precision': epoch.validationPrecision,
  'validation/recall': epoch.validationRecall,
  'validation/f1': epoch.validationF1,
  ...evaluated('training_set', epoch.trainSet),
  ...evaluated('test', epoch.testSet),
  ...ofGap(epoch.gap),
  'gsm/pruned_accuracy': epoch.prunedAccuracy,
  'gsm/pruned_f1': epoch.prunedF1,
  'gsm/reactivated': epoch.reactivated,
  'gsm/overlap': epoch.overlap,
})

const ofPruning = (event: PruneReport): Tagged => ({
  'sparsity/all': event.sparsity,
  'sparsity/effective': event.effectiveSparsity,
  'prune/target': event.target,
  'prune/dead_outputs': event.deadOutputs,
  'prune/multiply_adds': event.multiplyAdds?.kept,
  'prune/gradients': event.gradients,
  ...ofGap(event.gap),
  ...ofLayers(event.layers),
})

const ofRewiring = ({ pruned, grown, explored, remaining, seconds, state, layers = [] }: RewiringEvent): Tagged => ({
  ...Object.fromEntries(Object.entries(state ?? {}).map(([name, value]) => [`rewire/${name}`, value])),
  'rewire/pruned': pruned,
  'rewire/grown': grown,
  'rewire/explored': explored,
  'rewire/remaining': remaining,
  'rewire/seconds': seconds,
  ...Object.fromEntries(layers.map(({ name, after }) => [`sparsity/${name}`, 1 - after])),
})

const ofResult = (result: RunResult): Tagged => ({
  ...evaluated('test', result.final),
  ...evaluated('test_before_pruning', result.dense),
  ...evaluated('test_last_epoch', result.lastEpoch),
  'sparsity/all': result.sparsity,
  'result/seconds': result.seconds,
  'result/bytes': result.modelBytes,
  'result/dense_bytes': result.denseBytes,
  'result/multiply_adds': result.multiplyAdds?.kept,
  ...ofGap(result.gap),
  ...ofLayers(result.layers),
})

const MEASURES = ['loss', 'accuracy', 'top5', 'precision', 'recall', 'f1'] as const

const evaluated = (part: string, found: Evaluation | undefined): Tagged =>
  Object.fromEntries(MEASURES.map((measure) => [`${part}/${measure}`, found?.[measure]]))

const ofGap = (gap: Gap | undefined): Tagged => ({
  'gsm/least_kept': gap?.kept,
  'gsm/largest_removed': gap?.removed,
  'gsm/vanished': gap?.vanished,
})

const ofLayers = (layers: readonly LayerCount[] = []): Tagged =>
  Object.fromEntries(layers.map(({ name, size, kept }) => [`sparsity/${name}`, 1 - kept / size]))
