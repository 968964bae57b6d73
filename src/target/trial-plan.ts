/** @file What a trial prunes and how, and the plan of a method that does so. */
import type { SampleSet } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type MethodName, methods } from '../methods/index.ts'
import {
  checkSettings,
  leftOf,
  type NameOf,
  type PruningPlan,
  type PruningRequest,
  withSettings,
} from '../methods/method.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'

export interface TrialOptions {
  machine: Machine
  model: Model
  data: SampleSet
  /** The trained weights; `source` is what messages call them. */
  weights: TensorFile
  source: string
  /** The tensors of which some are pruned at a time. */
  tensors: readonly Tensor[]
  method: MethodName
  /** Settings of the method, as its section in recipes has them. */
  settings: object
  /** What is kept or removed together. Default: single weights. */
  granularity?: string
  /** Seed of all random draws. */
  seed: number
  /** Training samples that judge, drawn by the seed. Default: {@link usualEffort}, at most all. */
  judges?: number
  /** Multiply-adds that judging levels may take, about. Default: minutes on two processors. */
  work?: number
  /** Whether they judge, or the whole test set in their place. Default `train`. */
  part?: 'train' | 'test'
  /** Whether nothing is done to all weights afterwards, whatever a trial asks for. Default false. */
  bare?: boolean
  /** What goes together, where that is not single weights; then all tensors of a trial have one sparsity. */
  masks?: PruningRequest['masks']
  /** Training samples that are held out, and how, as of a {@link Network}. Default: none. */
  validation?: number
  stratify?: boolean
  nameOf?: NameOf
}

/** A setting, where the method has it. */
const pick = (name: MethodName, key: string, value: unknown) =>
  methods[name].takes.includes(key) ? { [key]: value } : {}

/** What a trial does besides pruning tensors to sparsities. */
export interface TrialPlan {
  /** Whether what is done to all weights afterwards is done, too. Default false. */
  afterwards?: boolean
  /** Channels that stay of some groups, by name. Default: all. */
  channels?: ReadonlyMap<string, number>
}

/** Rejects with UserError where the method does not prune so, or a setting is not one of it. */
export function planTrial(
  options: TrialOptions,
  tensors: readonly Tensor[],
  sparsities: ReadonlyMap<string, number>,
  { afterwards = false, channels }: TrialPlan = {},
): Promise<PruningPlan> {
  const { model, data, method: name, seed, masks, nameOf = (setting) => setting } = options
  const granularity = channels ? 'channel' : (masks?.granularity ?? options.granularity)
  const quiet =
    afterwards && !options.bare
      ? {}
      : {
          ...pick(name, 'polish', 0),
          ...pick(name, 'refreshBatchNorm', 'none'),
          ...(granularity === 'channel' && pick(name, 'reconstruct', 'none')),
        }
  const { reconstruct: _, ...own } = options.settings as { reconstruct?: string }
  const settings = { ...quiet, ...(granularity === 'channel' ? options.settings : own) }
  const method = withSettings(methods[name], settings)
  if (tensors.length > 1 && !masks && !method.sparsities)
    throw new UserError(`${name} knows one sparsity for all tensors only, expected a method that knows one for each`)
  checkSettings(name, method, settings, nameOf)
  return method.plan(settings, {
    model,
    data: { name: data.name, samples: data.train.count },
    tensors,
    left: tensors.reduce((sum, tensor) => sum + leftOf([tensor], sparsities.get(tensor.name)!), 0),
    // A tensor alone is pruned by methods that know one ranking only, too.
    scope: method.scopes.includes('layerwise') && !masks ? 'layerwise' : 'global',
    ...(!masks && (tensors.length > 1 || channels) && { sparsities }),
    ...(granularity !== undefined && { masks: masks ?? { granularity, channels } }),
    seed,
    nameOf,
  })
}
