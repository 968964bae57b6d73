/** @file Runs of a network on one sample, to be timed by figures/time.ts. */
import type { Machine } from '../../src/engine/machine.ts'
import type { Run } from '../../src/figures/time.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import type { Model } from '../../src/models/model.ts'
import { random } from '../../src/util/random.ts'
import type { InferredFile } from './opened.ts'

/** Runs of a network on a sample from N(0, 1), or of zeros and ones where it takes whole numbers. */
export function runHere(file: InferredFile, model: Model, machine: Machine, source: string): Run {
  const network = new SparseModel(file, { machine, source })
  const sample = sampleOf(model)
  return () => network.run(sample)
}

export function sampleOf({ image, inputs }: Pick<Model, 'image' | 'inputs'>): Float32Array {
  const draw = random(0, 'timing')
  const whole = inputs?.some((input) => input.whole)
  return Float32Array.from({ length: sizeOf(image) }, () => (whole ? draw.below(2) : draw.normal()))
}
