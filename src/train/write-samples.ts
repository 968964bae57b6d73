/** @file Where the samples of a data set go in an arena. */
import type { Samples } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'

/** Writes samples, bytes or floats, into the state of that name, which holds such. */
export function writeSamples(executable: Executable, name: string, samples: Samples['images']): void {
  if (samples instanceof Float32Array) executable.view(name).set(samples)
  else executable.bytes(name).set(samples)
}
