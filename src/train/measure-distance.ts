/** @file Distances from the dense network's results, measured batch by batch; and these results. */
import type { SampleSet } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import type { Floats } from '../engine/machine.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import {
  type Distance,
  directionsName,
  distanceWeights,
  drawDirections,
  outputParts,
  targetsName,
  weightsName,
} from './distance.ts'
import { overBatches, type Source } from './evaluation.ts'
import { distanceName } from './graphs.ts'

/**
 * Makes the present results of all samples of a part those that distances are from, where there are programs
 * for them, and draws the coefficients of sample gradients by the seed. Throws UserError where one is no
 * number.
 */
export function rememberTargets(
  executable: Executable,
  model: Model,
  data: SampleSet,
  source: Source,
  seed: number,
): void {
  if (!executable.has(targetsName(source))) return
  const { count } = data[source]
  const targets = executable.view(targetsName(source))
  const samples = Uint32Array.from({ length: count }, (_, i) => i)
  overBatches(executable, model, source, samples, (program, _, at) => {
    const results = executable.read(program, 'logits')
    const wrong = results.findIndex((x) => !Number.isFinite(x))
    if (wrong >= 0)
      throw new UserError(
        `${model.name} computes ${results[wrong]} of ${source} sample ${at + Math.floor(wrong / model.classes)} of ${data.name}, expected finite numbers`,
      )
    targets.set(results, at * model.classes)
  })
  const weights = executable.view(weightsName(source))
  weights.set(distanceWeights(model, targets, count))
  if (!executable.has(directionsName(source))) return
  const directions = executable.view(directionsName(source))
  for (let n = 0; n < count; n++) {
    const dense = targets.subarray(n * model.classes, (n + 1) * model.classes)
    directions.set(drawDirections(model, dense, weights, random(seed, 'directions', source, n)), n * model.classes)
  }
}

/** The mean distances of samples from what was remembered. Throws UserError where one is no number. */
export function measureDistance(executable: Executable, model: Model, source: Source, samples: Uint32Array): Distance {
  const parts = outputParts(model)
  const sums = parts.map(() => 0)
  let loss = 0
  overBatches(executable, model, source, samples, (program, batch) => {
    loss += executable.scalar(program, 'loss') * batch.length
    for (const k of sums.keys()) sums[k] += executable.scalar(program, distanceName(k)) * batch.length
  })
  const wrong = sums.findIndex((sum) => !Number.isFinite(sum))
  if (wrong >= 0)
    throw new UserError(
      `${model.name}: its output ${parts[wrong].name} is no number of some ${source} sample, expected a distance from that of the dense network, found ${sums[wrong]}`,
    )
  const outputs = parts.map(({ name, classes }, k) => {
    const unit = classes === undefined ? ('variance' as const) : ('nats' as const)
    return { name, distance: sums[k] / samples.length, unit }
  })
  return { loss: loss / samples.length, outputs, count: samples.length }
}

/** What distances are from, by the names of the states that hold it. */
export type Remembered = ReadonlyMap<string, Floats>

/** A copy of what was remembered of the samples of both parts. */
export function rememberedBy(executable: Executable): Remembered {
  const names = (['train', 'test'] as const).flatMap((source) => [targetsName(source), weightsName(source)])
  return new Map(names.filter((name) => executable.has(name)).map((name) => [name, executable.view(name).slice()]))
}

/** Remembers what another network of the same results does, as far as there are programs that ask for it. */
export function takeRemembered(executable: Executable, remembered: Remembered): void {
  for (const [name, values] of remembered) if (executable.has(name)) executable.view(name).set(values)
}
