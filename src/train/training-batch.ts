/**
 * @file What a training program reads besides weights: which samples it takes, how these are cropped and
 * flipped, and where dropout begins to draw.
 */
import { type Augmentation, drawAugmentation } from '../data/augment.ts'
import type { SampleSet } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import { DROPOUT_COUNTER } from '../graph/operators/dropout.ts'
import { CropReader } from './crop-reader.ts'

/** A place in a run: its seed, and the epoch and the step, both counted from 0. */
export interface StepTime {
  seed: number
  epoch: number
  step: number
}

export class TrainingBatch {
  /** Of samples that are cropped and flipped in the arena. */
  readonly #augment?: Augmentation
  /** Reads random resized crops: {@link load} comes before every step. */
  readonly #crops?: CropReader

  /** Throws UserError where crops are asked for of data without photographs. */
  constructor(data: SampleSet, augment: Augmentation | undefined) {
    if (augment?.resizedCrop) this.#crops = new CropReader(data)
    else this.#augment = augment
  }

  /**
   * Reads what the step on these samples needs that is not in memory: random resized crops, drawn from
   * `when`. Resolves at once where it needs nothing.
   */
  async load(executable: Executable, samples: ArrayLike<number>, when: StepTime): Promise<void> {
    await this.#crops?.load(executable, samples, when)
  }

  /** Writes what a program reads of these samples; where batches are resized crops, of those read last. */
  write(executable: Executable, program: string, samples: ArrayLike<number>, when: StepTime): void {
    executable.write(program, 'index', this.#crops ? Array.from(samples, (_, i) => i) : samples)
    if (this.#augment)
      executable.write(program, 'change', drawAugmentation(this.#augment, when.seed, when.epoch, samples))
    if (executable.has(DROPOUT_COUNTER)) executable.blank(DROPOUT_COUNTER)[0] = when.step
  }
}
