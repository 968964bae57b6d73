/** @file The data set of a recipe, and what nobody said of its inputs. */
import type { Dataset } from '../../data/dataset.ts'
import { loadDataset } from '../../data/index.ts'
import { guessedOf, normalizationText, normalized } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import type { Recipe } from '../recipe/schema.ts'

/** The data set of a recipe. Throws UserError. */
export async function recipeData({ data }: Recipe, onProgress?: OnProgress): Promise<Dataset> {
  const { name, normalization, size, crop, skipCorrupt, mean, std } = data
  const stored = await loadDataset(name, { normalization, size, crop, skipCorrupt, onProgress })
  return normalized(stored, { mean, std }, { mean: 'data.mean', std: 'data.std' }, 'of the recipe')
}

/** A sentence where nobody said how pixels become inputs. */
export function guessedInputs(data: Dataset): string | undefined {
  const guessed = guessedOf(data)
  return (
    guessed &&
    `${guessed} of the inputs are guessed, ${normalizationText(data)}; data.mean and data.std (numbers, or data to measure them) or data.normalization set them`
  )
}
