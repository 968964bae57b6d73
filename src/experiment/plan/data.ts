/** @file The data set of a recipe, and what nobody said of its inputs. */
import { findAugmentation } from '../../data/augment.ts'
import type { Dataset } from '../../data/dataset.ts'
import { MissingData } from '../../data/folders.ts'
import type { LoadOptions } from '../../data/formats.ts'
import { datasets, loadDataset } from '../../data/index.ts'
import { guessedOf, normalizationText, normalized } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import type { Recipe } from '../recipe/schema.ts'
import { modelOf } from './network.ts'

interface RecipeDataOptions {
  onProgress?: OnProgress
  /** The file of the recipe, for errors of a name that no data set has. */
  source?: string
}

/** The data set of a recipe. Throws UserError. */
export async function recipeData(recipe: Recipe, { onProgress, source }: RecipeDataOptions = {}): Promise<Dataset> {
  const { data, prune, validation } = recipe
  const { name, normalization, size, crop, skipCorrupt, mean, std } = data
  const [channels] = modelOf(recipe).image
  const measured = data.mean === 'data' || data.std === 'data'
  const evaluated = data.validation > 0 || validation?.train !== undefined
  const looks = measured || evaluated || (prune && !['random', 'magnitude'].includes(prune.method))
  const photographs: LoadOptions['photographs'] = findAugmentation(data.augment).resizedCrop
    ? looks
      ? 'beside'
      : 'only'
    : undefined
  const images = { size, crop, skipCorrupt, photographs, channels }
  const stored = await loadDataset(name, { normalization, ...images, onProgress }).catch((error) => {
    // One that is known, and is not on this machine, is no fault of the recipe.
    const unknown = error instanceof MissingData && !Object.hasOwn(datasets, name) && source !== undefined
    throw unknown ? new MissingData(`${source}: data.name: ${error.message}`) : error
  })
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
