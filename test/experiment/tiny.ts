/** @file A recipe that takes a second: MLPNet on synthetic data, pruned while it trains. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { checkRecipe, type Recipe } from '../../src/experiment/recipe/recipe.ts'

/**
 * 1900 training samples in batches of 128: 15 steps per epoch, the last on 108 samples. Events at steps 10,
 * 15, ... 40.
 */
export const tiny = {
  name: 'tiny',
  model: { name: 'mlpnet' },
  data: { name: 'synthetic', validation: 100 },
  train: { epochs: 4, batch: 128, learningRate: 0.05, momentum: 0.9, nesterov: true, schedule: 'cosine' },
  prune: { method: 'magnitude', sparsity: 0.9, schedule: 'cubic', start: '10it', end: '2ep10it', every: '5it' },
}

export const tinyRecipe = (): Recipe => checkRecipe(tiny, 'tiny')

/** Writes the recipe into a folder and returns its path. */
export function writeTiny(folder: string, changes: object = {}): string {
  const path = join(folder, 'tiny.yaml')
  writeFileSync(path, stringify({ ...tiny, ...changes }))
  return path
}
