/** @file All pictures of a report, in order; those that have nothing to show are left out. */
import type { RunGroup } from '../groups.ts'
import { accuracyPicture } from './accuracy.ts'
import { costPicture } from './cost.ts'
import type { Picture } from './draw.ts'
import { layersPicture } from './layers.ts'
import { masksPicture } from './masks.ts'
import { partingPicture } from './parting.ts'
import { trainingPicture } from './training.ts'
import { weightsPicture } from './weights.ts'

/** Makes the pictures of a report. Throws UserError where a file of weights is damaged. */
export async function picturesOf(groups: readonly RunGroup[]): Promise<Picture[]> {
  const pictures = [
    accuracyPicture(groups),
    trainingPicture(groups),
    partingPicture(groups),
    layersPicture(groups),
    await weightsPicture(groups),
    await masksPicture(groups),
    costPicture(groups),
  ]
  return pictures.filter((picture) => picture !== undefined)
}
