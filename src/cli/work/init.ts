/** @file The work of espalier init. */
import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { parse, stringify } from 'yaml'
import { scanClassFolders } from '../../data/class-folders.ts'
import { MissingData } from '../../data/folders.ts'
import { datasets, formatOf } from '../../data/index.ts'
import { isArraysOrTexts } from '../../data/load-samples.ts'
import { recipeData } from '../../experiment/plan/data.ts'
import { checkRecipe, type Recipe } from '../../experiment/recipe/recipe.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { type Model, usualGeometry } from '../../models/model.ts'
import { findNetwork } from '../../train/find-network.ts'
import { checkFits } from '../../train/options.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { suggestion } from '../../util/suggest.ts'
import { print } from '../display/output.ts'
import { checkOutput } from '../flags/output-file.ts'

export interface InitOptions {
  output: string
  force?: boolean
}

/** Writes a recipe with comments. Throws UserError where there is no such network or data set. */
export async function init(modelName: string, dataName: string, { output, force }: InitOptions): Promise<void> {
  const model = findNetwork(modelName)
  const isPath = !Object.hasOwn(datasets, dataName)
  const isPlain = isPath && isArraysOrTexts(dataName)
  if (isPath && !isPlain && !(existsSync(dataName) && statSync(dataName).isDirectory()))
    throw new UserError(
      `there is no data set or folder named ${dataName}${suggestion(dataName, Object.keys(datasets))}`,
    )
  checkOutput(output, { inputs: [modelName], force })
  const { decoded } = isPath && !isPlain ? formatOf(dataName) : { decoded: false }
  const textFor = (samples?: number) => recipeText(modelName, dataName, model, { decoded, samples })
  const recipe = checkRecipe(parse(textFor()), output)
  const samples = decoded ? checkAgainstImages(dataName, model) : await checkAgainstData(recipe, model)
  writeAtomically(output, textFor(samples))
  print(`The recipe is in ${output}; try it with: espalier run ${output} --dry-run`)
}

/**
 * Refuses a network that does not fit a data set, as a run would, where the data are on this machine. Returns
 * the number of training samples; undefined where they are not.
 */
async function checkAgainstData(recipe: Recipe, model: Model): Promise<number | undefined> {
  const data = await recipeData(recipe).catch((error: unknown) => {
    if (error instanceof MissingData) return undefined
    throw error
  })
  if (data) checkFits(model, data, 1, 0)
  return data?.train.count
}

/** The same of a folder of images, without decoding one: they become what the recipe says. */
function checkAgainstImages(folder: string, model: Model): number {
  const { classNames, train } = scanClassFolders(folder)
  const { crop } = usualGeometry(model)
  checkFits(
    model,
    { name: folder, classes: classNames.length, image: [3, crop, crop], train: { count: train.length } },
    1,
    0,
  )
  return train.length
}

/** A network that has weights already needs less training, at a smaller rate. */
const TRAINED = { epochs: 10, start: '1ep', end: '7ep', learningRate: 0.01 }
const FRESH = { epochs: 30, start: '5ep', end: '22ep', learningRate: 0.1 }

/** The most samples in a batch, and the steps between two prunings, where there are as many in an epoch. */
const [BATCH, EVERY] = [128, 100]

interface RecipeData {
  /** Whether images are decoded, and so have a size and a crop. */
  decoded: boolean
  /** Training samples, where known. */
  samples?: number
}

function recipeText(modelName: string, dataName: string, model: Model, { decoded, samples }: RecipeData): string {
  const batch = Math.min(BATCH, samples ?? BATCH)
  const every = samples !== undefined && samples / batch < EVERY ? '1ep' : `${EVERY}it`
  const onnx = isOnnxName(modelName)
  const { epochs, start, end, learningRate } = onnx ? TRAINED : FRESH
  const { size, crop } = usualGeometry(model)
  const quoted = (value: string) => stringify(value).trimEnd()
  const slug = `${basename(modelName).replace(/\.onnx$/i, '')}-${basename(dataName)}`
  const name =
    slug
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'recipe'
  const geometry = `
  size: ${size} # the shorter side of every image
  crop: ${crop} # the square that is cut out of its middle; the network takes ${model.image.join(' x ')}`
  return `# ${model.name} on ${dataName}, pruned by magnitude while it trains. docs/methods.md says more of every key.
name: ${name} # of the run folder
seed: 0 # of all random draws: the same seed, the same numbers
model:
  name: ${quoted(modelName)}${onnx ? ' # begins with the weights of the file' : ''}
data:
  name: ${quoted(dataName)}${decoded ? geometry : ''}
  # validation: 1000 # training samples that are held out and evaluated after every epoch
train:
  epochs: ${epochs}
  batch: ${batch} # at most as many as there are training samples
  learningRate: ${learningRate}
  momentum: 0.9
  weightDecay: 1.0e-4
  schedule: cosine # of the learning rate; or constant, or steps with drops
  warmup: 1ep # a duration: epochs (ep), steps (it), or both as in 1ep100it
prune: # without this section the network is trained and nothing is pruned
  method: magnitude # espalier list methods
  scope: global # all weights compete; layerwise and uniform prune every layer alike, erk the larger ones more
  sparsity: 0.9 # share of zeros among the prunable weights at the end
  schedule: cubic # fast at first, then slower; or one-shot, or exponential
  start: ${start}
  end: ${end}
  every: ${every}
`
}
