/** @file Measures loss, accuracy and what goes by classes over samples, batch by batch. */
import type { Executable } from '../engine/compile.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { batchTaken } from './batch-limit.ts'
import { ClassCounts, type MacroMeasures } from './class-counts.ts'

/**
 * How many samples an evaluation program takes: they fill whole vectors, are few enough that the activations
 * of a convolutional network stay near the processor, and divide 5,000.
 */
export const EVALUATION_BATCH = 40

export interface Evaluation extends MacroMeasures {
  /** The mean cross-entropy. */
  loss: number
  /**
   * The share of samples that are right, 0 to 1: the largest logit is at their label. With one score, a
   * sample is right where the score is above zero exactly if the label is 1.
   */
  accuracy: number
  correct: number
  count: number
  /** The share of samples whose label is among the five largest logits; absent with five classes or fewer. */
  top5?: number
  /** Present where the logits are the same for every sample: the network has collapsed and can only guess. */
  constant?: true
}

/** The same for a network: one where it computes samples one by one, fewer where its maps are very wide. */
export const evaluationBatch = (model: Model): number => (model.oneByOne ? 1 : batchTaken(model, EVALUATION_BATCH))

/** The part of a data set that samples belong to. */
export type Source = 'train' | 'test'

/** The name of the program that evaluates so many samples. */
export const evaluationName = (source: Source, samples: number): string => `evaluate ${source}/${samples}`

/** Runs a program of evaluation over a batch of samples. */
export type OnBatch = (program: string, batch: Uint32Array, at: number) => void

/**
 * Runs the {@link evaluationName} programs of a network over all of `samples`. Throws UserError where there
 * are no samples, or no programs for as many.
 */
export function overBatches(
  executable: Executable,
  model: Model,
  source: Source,
  samples: Uint32Array,
  ran: OnBatch,
): void {
  if (samples.length === 0) throw new UserError('no samples are held out for validation')
  const most = evaluationBatch(model)
  for (let at = 0; at < samples.length; at += most) {
    const batch = samples.subarray(at, at + most)
    const program = evaluationName(source, batch.length)
    if (!executable.runs(program))
      throw new UserError(
        `the network has no program that evaluates ${samples.length} ${source} samples: expected as many as its option judged or validation says, or for all that are trained on evaluatesTraining`,
      )
    executable.write(program, 'index', batch)
    executable.run(program)
    ran(program, batch, at)
  }
}

/** The mean loss over samples, as {@link overBatches}. */
export function meanLoss(executable: Executable, model: Model, source: Source, samples: Uint32Array): number {
  let loss = 0
  overBatches(executable, model, source, samples, (program, batch) => {
    loss += executable.scalar(program, 'loss') * batch.length
  })
  return loss / samples.length
}

/** Loss and accuracy over labelled samples, as {@link overBatches}. */
export function evaluate(executable: Executable, model: Model, source: Source, samples: Uint32Array): Evaluation {
  const { classes } = model
  let loss = 0
  let correct = 0
  const counts = new ClassCounts(Math.max(classes, 2))
  const first = new Float64Array(classes)
  let varies = false
  overBatches(executable, model, source, samples, (program, batch, at) => {
    loss += executable.scalar(program, 'loss') * batch.length
    correct += executable.scalar(program, 'correct')
    // Logits lie as [classes][samples], as all tensors over samples do.
    const logits = executable.raw(program, 'logits')
    const labels = executable.peek(`${source}.labels`)
    counts.addBatch(
      logits,
      Array.from(batch, (sample) => labels[sample]),
    )
    if (varies) return
    if (at === 0) for (let c = 0; c < classes; c++) first[c] = logits[c * batch.length]
    varies = logits.some((logit, i) => logit !== first[Math.floor(i / batch.length)])
  })
  const top5 = counts.top5()
  const constant = !varies && samples.length > 1
  return {
    loss: loss / samples.length,
    accuracy: correct / samples.length,
    correct,
    count: samples.length,
    ...counts.macro(),
    ...(top5 !== undefined && { top5 }),
    ...(constant && { constant }),
  }
}
