/** @file What the flags of espalier prune say, checked against the network, with the defaults filled in. */
import { weightsPath } from '../../experiment/run/weights-path.ts'
import type { OnnxOptions } from '../../formats/network-file.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { isStored } from '../../methods/by-value/removals.ts'
import { checkFlops } from '../../methods/flops.ts'
import { type MethodName, methods } from '../../methods/index.ts'
import { inSequence } from '../../methods/layerwise/settings.ts'
import { leftOf, type Method, type PruningPlan, type PruningRequest, withSettings } from '../../methods/method.ts'
import { scoringSettings } from '../../methods/saliency/settings.ts'
import { faithfulMagnitude } from '../../methods/second-order/methods.ts'
import type { Model } from '../../models/model.ts'
import { granularities, isGranularity, patternOf } from '../../sparsity/granularity/index.ts'
import { type ScopeName, scopes } from '../../sparsity/scope.ts'
import { sparsitiesOf } from '../../sparsity/sparsities.ts'
import { chooseTensors } from '../../sparsity/tensors.ts'
import { shown } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf, patterns } from '../flags/choices.ts'
import { type OnnxFlags, onnxOptions } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'
import { shareOf } from '../flags/sparsities.ts'
import { givenSettings, settingFlag, settingsFrom } from './setting-flags.ts'

/** Settings of methods are keys of this, too. */
export interface PruneFlags extends PreprocessingFlags, OnnxFlags {
  model?: string
  method?: string
  compare?: string
  /** Absent where there is a target. */
  sparsity?: string
  targetMs?: string
  targetKb?: string
  targetFlops?: string
  maxDrop?: string
  /** The form whose size --target-kb limits. */
  stored?: string
  runtime?: string
  threads?: string
  atOnce?: string
  judges?: string
  scope: string
  sparsities?: string
  flops?: string
  granularity?: string
  data?: string
  engine: string
  seed: string
  prunable: string
  include?: string
  exclude?: string
  fisherCache?: string
  onCollapse: string
  finetune?: string
  /** What weights become in the end. */
  quantize?: string
  json?: boolean
  out?: string
  faithful?: boolean
  start?: string
  /** The module of a measure of one's own. */
  metric?: string
  /** Where the record goes. */
  record?: string
  /** Where curves of several methods go. */
  picture?: string
}

/** What can be said before data are loaded. */
export interface PruneTask {
  name: MethodName
  method: Method
  settings: Record<string, unknown>
  /** Share of zeros among the weights of the tensors. */
  sparsity: number
  onCollapse: 'warn' | 'error'
  /** All of a request but the data. */
  request: Omit<PruningRequest, 'data' | 'cache'>
}

/** Throws UserError that names the flag. */
export const methodName = (name: string, flag = '--method'): MethodName =>
  oneOf(flag, name, Object.keys(methods) as MethodName[])

/**
 * `own`: sparsities by tensor, in the place of those of flags, and channels that stay, by group. Throws
 * UserError, naming the flag.
 */
export function pruneTask(
  flags: PruneFlags,
  model: Model,
  name = methodName(flags.method ?? ''),
  own?: { sparsities: ReadonlyMap<string, number>; channels?: ReadonlyMap<string, number> },
): PruneTask {
  const method = methodFor(name, flags)
  const sparsity = shareOf(flags.sparsity ?? '')
  const scope = scopeOf(flags, name)
  const tensors = chooseTensors(model, {
    prunable: oneOf('--prunable', flags.prunable, ['published', 'all'] as const),
    include: patterns(flags.include),
    exclude: patterns(flags.exclude),
  })
  const sparsities = own?.sparsities ?? ownSparsities(flags, tensors, sparsity, scope)
  const left = sparsities
    ? tensors.reduce((sum, tensor) => sum + leftOf([tensor], sparsities.get(tensor.name)!), 0)
    : leftOf(tensors, sparsity)
  return {
    name,
    method,
    settings: settingsFrom(method, { ...flags }),
    sparsity,
    onCollapse: oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const),
    request: {
      model,
      tensors,
      left,
      scope,
      sparsities,
      flops: flopsOf(flags, name),
      masks: own?.channels ? { granularity: 'channel', channels: own.channels } : masksOf(flags, name, sparsity),
      seed: wholeNumber('--seed', flags.seed, 0, 2 ** 32 - 1),
      nameOf: settingFlag,
      fileOf: weightsPath,
      trained: flags.finetune !== undefined,
    },
  }
}

/** The method of a name: magnitude with --faithful is that of the published second-order code. */
export const plainMethod = (name: MethodName, { faithful }: PruneFlags): Method =>
  name === 'magnitude' && faithful ? faithfulMagnitude : methods[name]

/** The same as it is with what flags set. */
export function methodFor(name: MethodName, flags: PruneFlags): Method {
  const method = plainMethod(name, flags)
  return withSettings(method, givenSettings(method, { ...flags }))
}

/** The plan of a task. Throws UserError where it does not fit the data. */
export async function planOf(
  { name, method, settings, request }: PruneTask,
  rest: Pick<PruningRequest, 'data' | 'cache'>,
): Promise<PruningPlan> {
  const whole = { ...request, ...rest }
  // Stored values do not say how often the network uses them, nor of which kind its layers are, nor what goes
  // together.
  const budgets = [request.flops, request.sparsities, request.masks].some((one) => one !== undefined)
  if (!method.stored || !isStored(name) || budgets) return method.plan(settings, whole)
  // The same weights go as without data.
  const { byValuePlan } = await import('../../methods/by-value/plan.ts')
  return byValuePlan(name, scoringSettings.parse(settings), whole)
}

/** Throws UserError where there is no such scope, or the method does not know it. */
export function scopeOf(flags: PruneFlags, name: MethodName): ScopeName {
  const found = oneOf('--scope', flags.scope, Object.keys(scopes) as ScopeName[])
  const method = methodFor(name, flags)
  if (method.scopes.includes(found)) return found
  const called = name === 'magnitude' && flags.faithful ? 'magnitude with --faithful' : `${name}${method.beside ?? ''}`
  throw new UserError(`--scope: expected ${method.scopes.join(' or ')} for ${called}, found ${found}`)
}

/** Throws UserError where it is no share, or the method knows no such budget, with this scope. */
function flopsOf(flags: PruneFlags, name: MethodName): number | undefined {
  if (flags.flops === undefined) return undefined
  const flops = flags.flops.trim() === '' ? Number.NaN : Number(flags.flops)
  if (!(flops > 0 && flops <= 1))
    throw new UserError(
      `--flops: expected the share of the dense multiply-adds that may stay, above 0 and at most 1, found ${flags.flops}`,
    )
  checkFlops('--flops', name, methodFor(name, flags), { flops, scope: scopeOf(flags, name) })
  return flops
}

/** Throws UserError where there is no such granularity, or the method prunes single weights only. */
function masksOf({ granularity, multipleOf }: PruneFlags, name: MethodName, sparsity: number): PruningRequest['masks'] {
  if (granularity === undefined || granularity === 'weight') return undefined
  if (!isGranularity(granularity))
    throw new UserError(
      `--granularity: expected ${Object.keys(granularities).join(', ')} such as 2:4 or 4x4, found ${granularity}`,
    )
  const { ranked } = methods[name]
  const pattern = patternOf(granularity)
  if (!ranked && !(pattern && inSequence.some((one) => one === name)))
    throw new UserError(
      `--granularity ${granularity}: ${name} prunes single weights only, expected a method that ranks weights by scores, such as magnitude or snip, or for N:M ${inSequence.join(', ')}`,
    )
  if (!ranked && pattern && Math.abs(sparsity - (1 - pattern.n / pattern.m)) > 1e-9)
    throw new UserError(
      `--sparsity: expected ${1 - pattern.n / pattern.m} with --granularity ${granularity} and ${name}, which keeps ${pattern.n} of every ${pattern.m} weights, found ${sparsity}`,
    )
  return { granularity, ...(granularity === 'channel' && { multipleOf }) }
}

/** How the network is written. Throws UserError, naming the flag. */
export function writingOptions(flags: PruneFlags): OnnxOptions {
  const { compact, granularity, multipleOf } = flags
  if (compact || multipleOf === undefined) return onnxOptions(flags)
  if (granularity !== 'channel' && granularity !== 'auto')
    throw new UserError('--multiple-of is for --granularity channel or auto, and for --compact')
  return onnxOptions({ ...flags, multipleOf: undefined })
}

/** Throws UserError where the list is none, or the scope leaves tensors no sparsities of their own. */
function ownSparsities(
  { sparsities }: PruneFlags,
  tensors: readonly Tensor[],
  sparsity: number,
  scope: ScopeName,
): Map<string, number> | undefined {
  if (sparsities === undefined) return undefined
  if (scope !== 'layerwise') throw new UserError(`--sparsities: expected --scope layerwise, found ${scope}`)
  const entries = sparsities.split(',').map((entry) => {
    const [key, share, ...rest] = entry.split('=').map((part) => part.trim())
    if (!key || share === undefined || rest.length > 0)
      throw new UserError(`--sparsities: expected entries such as conv=0.9, found ${shown(entry)}`)
    return [key, shareOf(share, `--sparsities: ${key}`)] as const
  })
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) < i)
  if (twice) throw new UserError(`--sparsities: expected every name once, found ${twice[0]} twice`)
  return sparsitiesOf(tensors, sparsity, Object.fromEntries(entries), '--sparsities')
}
