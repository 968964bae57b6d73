/** @file The network that a recipe begins with. */
import { readCosts } from '../../calibrate/cost-file.ts'
import { findAugmentation } from '../../data/augment.ts'
import type { LabelledSet, Normalization } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights } from '../../formats/weights-file.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { groupLasso } from '../../methods/group-lasso.ts'
import { globalSparseMomentum } from '../../methods/gsm/rule.ts'
import type { PruningPlan } from '../../methods/method.ts'
import { rewiringOf } from '../../methods/rewiring/index.ts'
import { smoothedGradients } from '../../methods/rewiring/smoothed-gradients.ts'
import { signIn } from '../../methods/sign-in.ts'
import { tied } from '../../methods/tied.ts'
import type { Model } from '../../models/model.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { loadMasks, loadWeights } from '../../train/checkpoint.ts'
import { findNetwork } from '../../train/find-network.ts'
import { namedAs } from '../../train/layer-names.ts'
import { Network } from '../../train/network.ts'
import { type Stated, statedPreprocessing } from '../../train/preprocessing.ts'
import { roundedModel } from '../../train/rounded-model.ts'
import type { GradientRule } from '../../train/rules.ts'
import { methodOf, settingsOf } from '../recipe/checks.ts'
import { tensorsToPrune } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/schema.ts'
import { weightsPath } from '../run/weights-path.ts'
import { activeCount } from './gsm.ts'

/** The model of a recipe. */
export const modelOf = ({ model: { name, classes, widen } }: Recipe): Model => findNetwork(name, { classes, widen })

/** What a network is made from. */
export interface NetworkPlan {
  recipe: Recipe
  model: Model
  data: LabelledSet
  pruning?: PruningPlan
}

/**
 * The network of a recipe, with its initial weights. `note` is told where these were trained on other
 * inputs.
 */
export async function buildNetwork(
  { recipe, model, data, pruning }: NetworkPlan,
  machine: Machine,
  note: (sentence: string) => void = () => {},
): Promise<Network> {
  const { augment, validation, stratify } = recipe.data
  const { name, init } = recipe.model
  // An ONNX model has weights of its own.
  const own = isOnnxName(name) && init === undefined ? name : undefined
  const weights = recipe.model.weights === undefined ? own : weightsPath(recipe.model.weights)
  const masks = recipe.model.masks === undefined ? undefined : weightsPath(recipe.model.masks)
  const { rewire, train } = recipe
  // Masked weights that train on are not where sparse kernels look.
  const dense = train.quantize !== undefined || (rewire && settingsOf(rewire).faithful === true)
  const network = new Network({
    machine,
    data,
    model: train.quantize === undefined ? model : roundedModel(model),
    init,
    prunable: prunableOf(recipe, model),
    batch: train.batch,
    validation,
    stratify,
    evaluatesTraining: recipe.validation?.train !== undefined,
    seed: recipe.seed,
    augment: findAugmentation(augment),
    kernels: dense ? 'dense' : train.kernels,
    costs: train.costs === undefined ? undefined : readCosts(train.costs),
    denseGradients: rewire && rewiringOf(rewire.method).gradients === 'batch',
    rules: rulesOf(recipe, model),
    ...pruning?.network,
  })
  if (weights !== undefined) {
    const { file } = namedAs(model, await readWeights(weights))
    loadWeights(network, file, weights)
    const other = otherInputs(statedPreprocessing(file.metadata, weights, model.image[0]), data)
    if (other !== undefined) note(`${weights} ${other}`)
  }
  if (masks !== undefined) loadMasks(network, namedAs(model, await readWeights(masks)).file, masks)
  return network
}

/**
 * Says what weights were trained on where that are not the inputs of a data set; undefined where it is
 * unsaid.
 */
function otherInputs({ normalization }: Stated, { mean, std }: LabelledSet): string | undefined {
  if (!normalization || String([normalization.mean, normalization.std]) === String([mean, std])) return undefined
  const text = ({ mean, std }: Normalization) => `mean ${mean.join(', ')} and std ${std.join(', ')}`
  return `says that it was trained on inputs with ${text(normalization)}, those of this run have ${text({ mean, std })}: data.mean and data.std, or data.normalization, set them`
}

/** Names of the tensors whose masks a recipe is about; undefined: the weights of all layers. */
function prunableOf({ prune, tie, train }: Recipe, model: Model): string[] | undefined {
  const names = (tensors: readonly Tensor[]) => tensors.map(({ name }) => name)
  // Layers that round their weights read no parameters themselves.
  if (train.quantize) return names(prunableTensors(model))
  if (tie) return names(tensorsToPrune(tie, model, { section: 'tie' }))
  return prune && methodOf(prune).ranked ? names(tensorsToPrune(prune, model)) : undefined
}

/** What the recipe's methods do to gradients and steps. */
function rulesOf({ rewire, tie, train }: Recipe, model: Model): GradientRule[] {
  const rules: GradientRule[] = []
  if (rewire && rewiringOf(rewire.method).gradients === 'smoothed') rules.push(smoothedGradients(train.momentum))
  const active = activeCount(train.gsm, model)
  if (active !== undefined) rules.push(globalSparseMomentum(active))
  if (train.groupLasso) rules.push(groupLasso(train.groupLasso))
  if (tie) rules.push(tied(tie))
  if (train.signIn) rules.push(signIn(train.signIn.scaling))
  return rules
}
