/**
 * @file What the flags of espalier prune say, checked against the network and the data, with the defaults
 * filled in.
 */
import type { Dataset } from '../../data/dataset.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { type StoredMethod, storedMethods } from '../../methods/by-value/prune-stored.ts'
import { type LayerwiseMethod, layerwiseMethods } from '../../methods/layerwise/driver.ts'
import { USUAL_JUDGE, usualJudge, usualSamples } from '../../methods/samples.ts'
import { secondOrderMethods } from '../../methods/second-order/driver.ts'
import type { FisherBlocks } from '../../methods/second-order/fisher/parts.ts'
import type { Model } from '../../models/model.ts'
import { type ScopeName, scopes } from '../../sparsity/scope.ts'
import { chooseTensors, isLinear } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { oneOf, patterns } from '../flags/choices.ts'
import type { OnnxFlags } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'

/** The methods of the command, with a line about each. */
export const pruneMethods = { ...storedMethods, ...secondOrderMethods, ...layerwiseMethods }
export type PruneMethodName = keyof typeof pruneMethods

export const isLayerwise = (method: PruneMethodName): method is LayerwiseMethod =>
  Object.hasOwn(layerwiseMethods, method)
export const isStored = (method: PruneMethodName): method is StoredMethod => Object.hasOwn(storedMethods, method)

export interface PruneFlags extends PreprocessingFlags, OnnxFlags {
  model?: string
  method?: string
  compare?: string
  sparsity: string
  scope: string
  data?: string
  samples?: string
  miniBatch: string
  blockSize?: string
  memory?: string
  damp?: string
  stages?: string
  seed: string
  judge?: string
  faithful?: boolean
  refreshBn?: string
  prunable: string
  include?: string
  exclude?: string
  fisherCache?: string
  onCollapse: string
  finetune?: string
  json?: boolean
  out?: string
}

/** What can be checked before data are loaded. */
export interface PruneMethod {
  method: PruneMethodName
  /** Which weights compete, where stored weights alone decide. */
  scope: ScopeName
  /** Share of zeros among the weights of the tensors. */
  sparsity: number
  tensors: Tensor[]
  /** Number of their weights. */
  weights: number
  /** Blocks of the Fisher matrix. */
  fisher: FisherBlocks
  /** Damping. Undefined: the usual one. */
  lambda?: number
  /** Undefined: as many as is usual. */
  stages?: number
  seed: number
  faithful: boolean
  onCollapse: 'warn' | 'error'
}

/** What depends on how many training samples there are. */
export interface PruneSamples {
  /** How many gradients. */
  samples: number
  /** Training samples that one gradient belongs to. */
  miniBatch: number
  /** Training samples that judge. */
  judge: number
  /** Training images for new statistics of batch normalizations; 0: they stay. */
  refresh: number
}

/** Throws UserError, naming the flag. */
export function pruneMethod(flags: PruneFlags, model: Model, name = flags.method ?? ''): PruneMethod {
  const tensors = chooseTensors(model, {
    prunable: oneOf('--prunable', flags.prunable, ['published', 'all'] as const),
    include: patterns(flags.include),
    exclude: patterns(flags.exclude),
  })
  const method = methodName(name)
  const scope = scopeOf(flags, method)
  const fisher = blockSize(flags.blockSize ?? (isLinear(model) ? 'full' : 'layer'))
  const most = 2 ** 32 - 1
  return {
    method,
    scope,
    tensors,
    fisher,
    weights: tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    sparsity: shareOf(flags.sparsity),
    lambda: flags.damp === undefined ? undefined : damping(flags.damp),
    stages: flags.stages === undefined ? undefined : wholeNumber('--stages', flags.stages, 1, 1000),
    seed: wholeNumber('--seed', flags.seed, 0, most),
    faithful: flags.faithful ?? false,
    onCollapse: oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const),
  }
}

export const methodName = (name: string): PruneMethodName =>
  oneOf('--method', name, Object.keys(pruneMethods) as PruneMethodName[])

/** Throws UserError where there is no such scope, or the method does not know it. */
export function scopeOf({ scope, faithful }: PruneFlags, method: PruneMethodName): ScopeName {
  const found = oneOf('--scope', scope, Object.keys(scopes) as ScopeName[])
  if (method === 'magnitude' && faithful && found !== 'global' && found !== 'layerwise')
    throw new UserError(`--scope: expected global or layerwise for magnitude with --faithful, found ${found}`)
  return found
}

/** Throws UserError, naming the flag, where the training set is too small. */
export function pruneSamples(
  flags: PruneFlags,
  method: PruneMethod['method'],
  model: Model,
  { name, train: { count } }: Dataset,
): PruneSamples {
  const all = `the ${grouped(count)} training samples of ${name}`
  const most = 1e9
  const miniBatch = wholeNumber('--mini-batch', flags.miniBatch, 1, most)
  // By default at least half of a small data set is left to judge.
  const usual = Math.max(
    1,
    Math.min(isStored(method) ? 1 : usualSamples(model, method), Math.floor(count / 2 / miniBatch)),
  )
  const samples = flags.samples === undefined ? usual : wholeNumber('--samples', flags.samples, 1, most)
  const used = samples * miniBatch
  if (used > count) {
    const each = miniBatch === 1 ? '' : ` in mini-batches of ${miniBatch}`
    throw new UserError(`--samples: expected no more than ${all}, found ${samples}${each}`)
  }
  const faithful = flags.faithful ?? false
  const left = faithful ? count : count - used
  const usualJudges =
    isLayerwise(method) || isStored(method)
      ? Math.min(USUAL_JUDGE, left)
      : usualJudge(method, faithful, count, faithful ? used : left)
  const judge = flags.judge === undefined ? usualJudges : wholeNumber('--judge', flags.judge, 1, most)
  if (judge === 0) throw new UserError(`--samples: ${samples} gradients leave none of ${all} to judge by`)
  if (judge > left)
    throw new UserError(
      `--judge: expected no more than ${grouped(left)} of ${all}${faithful ? '' : ' beside the gradients'}, found ${judge}`,
    )
  const refresh = flags.refreshBn === undefined ? 0 : wholeNumber('--refresh-bn', flags.refreshBn, 2, count)
  return { samples, miniBatch, judge, refresh }
}

function blockSize(text: string): FisherBlocks {
  if (/^\d/.test(text)) return wholeNumber('--block-size', text, 1, 1e9)
  return oneOf('--block-size', text, ['layer', 'full'] as const)
}

/** Bytes of --memory, which is in GiB. */
export function memoryOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const gigabytes = Number(text)
  if (gigabytes > 0 && gigabytes < 1e6) return gigabytes * 2 ** 30
  throw new UserError(`--memory: expected a positive number of GiB, found ${text}`)
}

export function shareOf(text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share < 1) return share
  throw new UserError(`--sparsity: expected the share of zeros, at least 0 and below 1, found ${text}`)
}

function damping(text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new UserError(`--damp: expected a positive number, found ${text}`)
}
