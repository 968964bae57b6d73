/** @file The data set of a recipe, and what nobody said of its inputs. */
import { findAugmentation } from '../../data/augment.ts'
import type { Dataset } from '../../data/dataset.ts'
import { MissingData } from '../../data/folders.ts'
import { datasets, loadDataset } from '../../data/index.ts'
import { guessedOf, normalizationText, normalized } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import type { Recipe } from '../recipe/schema.ts'

interface RecipeDataOptions {
  onProgress?: OnProgress
  /** The file of the recipe, for errors of a name that no data set has. */
  source?: string
}

/** The data set of a recipe. Throws UserError. */
export async function recipeData(
  { data, prune }: Recipe,
  { onProgress, source }: RecipeDataOptions = {},
): Promise<Dataset> {
  const { name, normalization, size, crop, skipCorrupt, mean, std } = data
  const measured = data.mean === 'data' || data.std === 'data'
  const looks = measured || data.validation > 0 || (prune && !['random', 'magnitude'].includes(prune.method))
  const photographs = findAugmentation(data.augment).resizedCrop ? (looks ? 'beside' : 'only') : undefined
  const stored = await loadDataset(name, { normalization, size, crop, skipCorrupt, photographs, onProgress }).catch(
    (error) => {
      // One that is known, and is not on this machine, is no fault of the recipe.
      const unknown = error instanceof MissingData && !Object.hasOwn(datasets, name) && source !== undefined
      throw unknown ? new MissingData(`${source}: data.name: ${error.message}`) : error
    },
  )
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
