/** @file Where the samples of a data set go in an arena. */
import type { SampleSet, Samples } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import { UserError } from '../util/errors.ts'

/** Writes samples, bytes or floats, into the state of that name, which holds such. */
export function writeSamples(executable: Executable, name: string, samples: Samples['images']): void {
  if (samples instanceof Float32Array) executable.blank(name).set(samples)
  else executable.bytes(name).set(samples)
}

/**
 * Writes the samples and labels of a data set where programs read them. Throws UserError where some do, and
 * training images are not in memory.
 */
export function writeData(executable: Executable, data: SampleSet): void {
  for (const part of ['train', 'test'] as const) {
    if (!executable.has(`${part}.images`)) continue
    const { images, labels, count } = data[part]
    if (images.length === 0 && count > 0)
      throw new UserError(
        `${data.name}: training images that are read crop by crop are not in memory, expected none to be held out or scored`,
      )
    writeSamples(executable, `${part}.images`, images)
    if (executable.has(`${part}.labels`)) executable.blank(`${part}.labels`).set(labels!)
  }
}
