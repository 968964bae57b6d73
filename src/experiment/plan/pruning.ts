/** @file How a recipe prunes at its events, as its method plans it. */
import type { LabelledSet } from '../../data/dataset.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { PruningPlan, PruningRequest } from '../../methods/method.ts'
import { checkFloor } from '../../methods/saliency/plan.ts'
import type { Model } from '../../models/model.ts'
import { sparsitiesOf } from '../../sparsity/sparsities.ts'
import { methodOf } from '../recipe/checks.ts'
import { maskOptions, tensorsToPrune } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/schema.ts'
import { weightsPath } from '../run/weights-path.ts'
import type { TargetPlan } from './target.ts'

/** The tensors that a recipe prunes. */
export const prunedTensors = (prune: NonNullable<Recipe['prune']>, model: Model): Tensor[] =>
  tensorsToPrune(prune, model, { usual: methodOf(prune).prunable })

/**
 * Undefined where the recipe prunes nothing. Sparsities of a `target` may be chosen later. Throws UserError
 * where settings do not fit the network or the data.
 */
export async function pruningPlan(
  recipe: Recipe,
  model: Model,
  data: LabelledSet,
  target?: TargetPlan,
): Promise<PruningPlan | undefined> {
  const { prune, seed } = recipe
  if (!prune) return undefined
  const method = methodOf(prune)
  const tensors = prunedTensors(prune, model)
  const request: PruningRequest = {
    model,
    data: { name: data.name, samples: data.train.count - recipe.data.validation },
    tensors,
    scope: target ? 'layerwise' : prune.scope,
    masks: { ...maskOptions(prune), ...(target?.channels && { channels: target.channels }) },
    sparsities:
      target?.sparsities ??
      (prune.sparsities && sparsitiesOf(tensors, prune.sparsity, prune.sparsities, 'prune.sparsities')),
    flops: prune.flops,
    seed,
    trained: recipe.train.epochs > 0,
    fileOf: weightsPath,
    nameOf: (setting) => `prune.${method.section}.${setting}`,
  }
  // Of layers that have lost weights already, other counts are due.
  if (recipe.model.masks === undefined) checkFloor(request, prune.sparsity)
  return method.plan(prune[method.section] ?? {}, request)
}
