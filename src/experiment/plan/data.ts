/** @file The data set of a recipe, and what nobody said of its inputs. */
import { findAugmentation } from '../../data/augment.ts'
import { hasLabels, type LabelledSet } from '../../data/dataset.ts'
import { MissingData } from '../../data/folders.ts'
import type { LoadOptions } from '../../data/formats.ts'
import { datasets } from '../../data/index.ts'
import { loadSamples } from '../../data/load-samples.ts'
import { guessedOf, normalizationText, normalized } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import { classesOf } from '../../models/model.ts'
import { planeOf } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import type { Recipe } from '../recipe/schema.ts'
import { modelOf } from './network.ts'

interface RecipeDataOptions {
  onProgress?: OnProgress
  /** The file of the recipe, for errors of a name that no data set has. */
  source?: string
}

/** The data set of a recipe. Throws UserError. */
export async function recipeData(recipe: Recipe, { onProgress, source }: RecipeDataOptions = {}): Promise<LabelledSet> {
  const { data, prune, validation } = recipe
  const { name, normalization, size, fit, crop, skipCorrupt, mean, std } = data
  const model = modelOf(recipe)
  const [channels] = model.image
  const measured = data.mean === 'data' || data.std === 'data'
  const evaluated = data.validation > 0 || validation?.train !== undefined
  const looks = measured || evaluated || (prune && !['random', 'magnitude'].includes(prune.method))
  const photographs: LoadOptions['photographs'] = findAugmentation(data.augment).resizedCrop
    ? looks
      ? 'beside'
      : 'only'
    : undefined
  const plane = typeof size === 'string' ? planeOf(size) : undefined
  const sides = plane ? { plane, fit } : { size: typeof size === 'number' ? size : undefined, fit }
  const images = { ...sides, crop, skipCorrupt, photographs, channels }
  const taker = { ...model, classes: model.outputs ? undefined : classesOf(model) }
  const stored = await loadSamples(name, taker, { normalization, ...images, onProgress }).catch((error) => {
    // One that is known, and is not on this machine, is no fault of the recipe.
    const unknown = error instanceof MissingData && !Object.hasOwn(datasets, name) && source !== undefined
    throw unknown ? new MissingData(`${source}: data.name: ${error.message}`) : error
  })
  if (!hasLabels(stored))
    throw new UserError(`data.name: ${name} has no labels to train by, expected some beside its samples`)
  if (stored.floats) checkArrays(data)
  if (model.vocabulary !== undefined && data.augment !== 'none')
    throw new UserError(`data.augment is for images, and ${name} holds texts: expected none, found ${data.augment}`)
  return normalized(stored, { mean, std }, { mean: 'data.mean', std: 'data.std' }, 'of the recipe')
}

/** Throws UserError where something is asked for that is done to images alone. */
function checkArrays({ name, augment, mean, std, normalization }: Recipe['data']): void {
  const asked = Object.entries({ mean, std, normalization }).find(([, value]) => value !== undefined)
  if (asked)
    throw new UserError(`data.${asked[0]} is for images, and ${name} holds arrays, which are taken as they are`)
  if (augment !== 'none')
    throw new UserError(`data.augment is for images, and ${name} holds arrays: expected none, found ${augment}`)
}

/** A sentence where nobody said how pixels become inputs. */
export function guessedInputs(data: LabelledSet): string | undefined {
  if (data.floats) return undefined
  const guessed = guessedOf(data)
  return (
    guessed &&
    `${guessed} of the inputs are guessed, ${normalizationText(data)}; data.mean and data.std (numbers, or data to measure them) or data.normalization set them`
  )
}
