/** @file Loss and accuracy over samples, batch by batch. */
import type { Executable } from '../engine/compile.ts'
import { UserError } from '../util/errors.ts'

/**
 * Samples per evaluation run: whole vectors, few enough that the activations of a convolutional network stay
 * near the processor; a divisor of 5,000.
 */
export const EVALUATION_BATCH = 40

export interface Evaluation {
  /** Mean cross-entropy. */
  loss: number
  /**
   * Share of samples whose largest logit is at their label (one score: which is above zero exactly where the
   * label is 1), 0 to 1.
   */
  accuracy: number
  correct: number
  count: number
  /** Present where the logits are the same for every sample: the network has collapsed and can only guess. */
  constant?: true
}

/** The part of a data set that samples are of. */
export type Source = 'train' | 'test'

/** The name of the program that evaluates so many samples. */
export const evaluationName = (source: Source, samples: number): string => `evaluate ${source}/${samples}`

/**
 * Runs the {@link evaluationName} programs of a network with so many classes over all of `samples`. Throws
 * UserError where there are none, or no programs for so many.
 */
export function evaluate(executable: Executable, source: Source, samples: Uint32Array, classes: number): Evaluation {
  if (samples.length === 0) throw new UserError('no samples are held out for validation')
  let loss = 0
  let correct = 0
  const first = new Float64Array(classes)
  let varies = false
  for (let at = 0; at < samples.length; at += EVALUATION_BATCH) {
    const batch = samples.subarray(at, at + EVALUATION_BATCH)
    const program = evaluationName(source, batch.length)
    if (!executable.runs(program))
      throw new UserError(
        `the network has no program that evaluates ${samples.length} ${source} samples: expected as many as its option judged or validation says`,
      )
    executable.write(program, 'index', batch)
    executable.run(program)
    loss += executable.scalar(program, 'loss') * batch.length
    correct += executable.scalar(program, 'correct')
    if (varies) continue
    // [classes][samples], as tensors over samples lie.
    const logits = executable.raw(program, 'logits')
    if (at === 0) for (let c = 0; c < classes; c++) first[c] = logits[c * batch.length]
    varies = logits.some((logit, i) => logit !== first[Math.floor(i / batch.length)])
  }
  const constant = !varies && samples.length > 1
  return {
    loss: loss / samples.length,
    accuracy: correct / samples.length,
    correct,
    count: samples.length,
    ...(constant && { constant }),
  }
}
