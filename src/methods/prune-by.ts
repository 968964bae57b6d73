/** @file A trained network pruned once by any method of the registry: the library's shortest way. */
import type { Dataset } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import type { Model } from '../models/model.ts'
import type { ScopeName } from '../sparsity/scope.ts'
import { chooseTensors, type TensorChoice } from '../sparsity/tensors.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { Network } from '../train/network.ts'
import { checkSchema } from '../util/check-schema.ts'
import { checkName, checkShare } from '../util/checks.ts'
import { checkFlops } from './flops.ts'
import { type MethodName, methods } from './index.ts'
import type { PruneResult } from './masks.ts'
import {
  checkSettings,
  leftOf,
  type NameOf,
  once,
  type PruningProgress,
  pruneAsPlanned,
  withSettings,
} from './method.ts'

export interface PruneByOptions extends TensorChoice {
  machine: Machine
  model: Model
  /** What gradients and inputs of layers are taken from, and what `network` is evaluated on. */
  data: Dataset
  /**
   * Trained weights; `source` is what messages call them. Default: initial weights, for methods that begin
   * there.
   */
  weights?: TensorFile
  source?: string
  /** Share of zeros among the weights of the tensors, 0 to below 1. */
  sparsity: number
  /** Which weights compete. Default `global`. */
  scope?: ScopeName
  /** Share of the tensors' dense multiply-adds that may stay, above 0 to 1. Default: all. */
  flops?: number
  /** Settings of the method: those of its section in recipes. */
  settings?: object
  /** Seed of initial weights and of all random draws. Default 0. */
  seed?: number
  onProgress?: PruningProgress
}

/**
 * Prunes a network that it makes, loads and returns, with what was done. Tensors are those that the method
 * prunes where nobody says which. Throws UserError where a name is unknown, or something does not fit the
 * network or the data.
 */
export async function pruneBy(
  name: MethodName,
  options: PruneByOptions,
): Promise<{ network: Network; result: PruneResult }> {
  checkName('method', name ?? null, Object.keys(methods))
  const { sparsity, scope = 'global', flops, settings = {} } = options
  checkShare('sparsity', sparsity ?? null)
  const { machine, model, data, weights, source = 'the weights', seed = 0, onProgress } = options
  const checked = checkSchema(methods[name].settings, settings, { source: name, whole: 'settings' })
  const method = withSettings(methods[name], checked)
  checkName('scope', scope, method.scopes)
  checkFlops('flops', name, method, { flops, scope })
  checkSettings(name, method, checked, nameOf)
  const { prunable = method.prunable, include, exclude } = options
  const tensors = chooseTensors(model, { prunable, include, exclude }, { include: 'include', exclude: 'exclude' })
  const plan = await method.plan(checked, {
    model,
    data: { name: data.name, samples: data.train.count },
    tensors,
    left: leftOf(tensors, sparsity),
    scope,
    flops,
    seed,
    nameOf,
  })
  const network = new Network({ machine, model, data, seed, batch: 1, ...plan.network })
  if (weights) loadWeights(network, weights, source)
  return { network, result: pruneAsPlanned(plan, network, once(sparsity), 0, onProgress) }
}

const nameOf: NameOf = (setting) => `settings.${setting}`
