/** @file What the flags of espalier prune say, checked against the network, with the defaults filled in. */
import { type MethodName, methods } from '../../methods/index.ts'
import type { Method, PruningPlan, PruningRequest } from '../../methods/method.ts'
import { refreshBatchNorm } from '../../methods/settings.ts'
import type { Model } from '../../models/model.ts'
import { type ScopeName, scopes } from '../../sparsity/scope.ts'
import { chooseTensors } from '../../sparsity/tensors.ts'
import { checkValue } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf, patterns } from '../flags/choices.ts'
import type { OnnxFlags } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'
import { settingFlag, settingsFrom } from './setting-flags.ts'

/** Settings of methods are keys of this, too. */
export interface PruneFlags extends PreprocessingFlags, OnnxFlags {
  model?: string
  method?: string
  compare?: string
  sparsity: string
  scope: string
  data?: string
  seed: string
  prunable: string
  include?: string
  exclude?: string
  fisherCache?: string
  onCollapse: string
  finetune?: string
  json?: boolean
  out?: string
  faithful?: boolean
  refreshBn?: string
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

/** Throws UserError, naming the flag. */
export function pruneTask(flags: PruneFlags, model: Model, name = methodName(flags.method ?? '')): PruneTask {
  const method = methods[name]
  return {
    name,
    method,
    settings: settingsFrom(method, { ...flags }),
    sparsity: shareOf(flags.sparsity),
    onCollapse: oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const),
    request: {
      model,
      tensors: chooseTensors(model, {
        prunable: oneOf('--prunable', flags.prunable, ['published', 'all'] as const),
        include: patterns(flags.include),
        exclude: patterns(flags.exclude),
      }),
      scope: scopeOf(flags, name),
      seed: wholeNumber('--seed', flags.seed, 0, 2 ** 32 - 1),
      nameOf: settingFlag,
    },
  }
}

/** The plan of a task. Throws UserError where it does not fit the data. */
export async function planOf(
  { name, method, settings, request }: PruneTask,
  flags: PruneFlags,
  rest: Pick<PruningRequest, 'data' | 'cache'>,
): Promise<PruningPlan> {
  const whole = { ...request, ...rest }
  if (name !== 'magnitude' && name !== 'random') return method.plan(settings, whole)
  if (name === 'magnitude' && flags.faithful) {
    const { faithfulMagnitude } = await import('../../methods/second-order/methods.ts')
    return faithfulMagnitude.plan(settingsFrom(faithfulMagnitude, { ...flags }), whole)
  }
  const { byValuePlan } = await import('../../methods/by-value/plan.ts')
  const { refreshBn } = flags
  const images = refreshBn === undefined ? undefined : checkValue(refreshBatchNorm, Number(refreshBn), '--refresh-bn')
  return byValuePlan(name, images, whole)
}

/** Throws UserError where there is no such scope, or the method does not know it. */
export function scopeOf({ scope, faithful }: PruneFlags, method: MethodName): ScopeName {
  const found = oneOf('--scope', scope, Object.keys(scopes) as ScopeName[])
  const faithfully = method === 'magnitude' && faithful
  const known: readonly ScopeName[] = faithfully ? ['global', 'layerwise'] : methods[method].scopes
  if (known.includes(found)) return found
  const name = faithfully ? 'magnitude with --faithful' : method
  throw new UserError(`--scope: expected ${known.join(' or ')} for ${name}, found ${found}`)
}

export function shareOf(text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share < 1) return share
  throw new UserError(`--sparsity: expected the share of zeros, at least 0 and below 1, found ${text}`)
}
