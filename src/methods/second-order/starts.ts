/**
 * @file Masks that a stage starts from, by the name of the start. Every one keeps as many weights as the
 * stage does (in faithful mode as many as the published code).
 */
import { random } from '../../util/random.ts'
import { randomMagnitudeMasks } from './brain-surgeon/start.ts'
import { chitaMasks } from './chita/masks.ts'
import type { Composition } from './composition.ts'
import { falconMasks } from './falcon/masks.ts'
import { obdMasks } from './obd/masks.ts'
import { magnitudeMasks, type Stage, stageMasks } from './stage.ts'
import type { Inverses } from './woodfisher/inverses.ts'
import { woodfisherMasks, woodtaylorMasks } from './woodfisher/masks.ts'

export const starts: Record<Composition['start'], (stage: Stage, inverses: Inverses) => Float32Array[]> = {
  magnitude: magnitudeMasks,
  random: randomMasks,
  masks: ({ settings }) => settings.masks!.map((mask) => mask.slice()),
  'random-magnitude': randomMagnitudeMasks,
  obd: obdMasks,
  woodfisher: woodfisherMasks,
  woodtaylor: woodtaylorMasks,
  chita: chitaMasks,
  falcon: falconMasks,
}

/** Of weights that are left, each with the same chance. */
function randomMasks(stage: Stage): Float32Array[] {
  const draw = random(stage.settings.seed, 'random masks', stage.stage)
  const scores = stage.weights.map((w) => w.map((x) => (x === 0 ? 0 : 1 - draw.uniform())))
  return stageMasks(stage, scores)
}
