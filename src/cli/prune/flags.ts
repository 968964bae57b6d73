/**
 * @file Which flags of espalier prune say something to which method. One that would be ignored is refused.
 */
import type { Command } from 'commander'
import { type MethodName, methods } from '../../methods/index.ts'
import type { Method } from '../../methods/method.ts'
import { UserError } from '../../util/errors.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { settingKeys } from './setting-flags.ts'
import { methodFor, methodName, type PruneFlags, plainMethod } from './settings.ts'

/** Keys of the flags that a method has a use for, of those that not all have. */
function usedBy(name: MethodName, method: Method): string[] {
  const { takes, section, scopes } = methods[name]
  const settings = method.takes.map((key) => settingKeys.get(key)!)
  if (name === 'magnitude') settings.push('faithful')
  if (Math.max(method.scopes.length, scopes.length) > 1) settings.push('scope')
  if (method.flops) settings.push('flops')
  if (method.sparsities) settings.push('sparsities')
  if (section === 'secondOrder') settings.push('fisherCache')
  if (takes.includes('samples') || name === 'random') settings.push('seed')
  return settings
}

/** Flags about what is written, or becomes of it. */
const written = [
  'out',
  'finetune',
  'quantize',
  'onCollapse',
  'sparse',
  'dtype',
  'foldBn',
  'compact',
  'multipleOf',
  'batch',
  'sizes',
  'force',
] as const

/**
 * Throws UserError, naming the flag, where one was given that the method, or none of several to compare,
 * uses. Methods that need data and have none are refused elsewhere.
 */
export function checkPruneFlags(command: Command, flags: PruneFlags): void {
  const given = givenFlags(command)
  const refuse = (flag: string, why: string): never => {
    throw new UserError(`${flagName(command, flag)} ${why}`)
  }
  const asker = flags.compare === undefined ? '--method' : '--compare'
  const asked = (flags.compare ?? flags.method ?? '').split(',')
  const names = asked.map((name) => methodName(name.trim(), asker))
  for (const flag of flags.compare === undefined ? [] : written)
    if (given.has(flag) && !(flag === 'multipleOf' && flags.granularity === 'channel'))
      refuse(flag, 'has no effect with --compare, which writes nothing')
  const every = Object.keys(methods) as MethodName[]
  /** What methods use as they are, and those that were asked for with all flags. */
  const usual = new Map(every.map((name) => [name, usedBy(name, plainMethod(name, flags))]))
  const used = new Set(names.flatMap((name) => usedBy(name, methodFor(name, flags))))
  const ofMethods = new Set([...settingKeys.values(), ...[...usual.values()].flat()])
  for (const flag of ofMethods) {
    if (!given.has(flag) || used.has(flag)) continue
    if (flag === 'seed' && given.has('refreshBn')) continue // It draws the images.
    if (flag === 'scope' && flags.scope === 'global') continue // What they do.
    if (flag === 'scope')
      refuse(flag, `${flags.scope}: with ${listed(names)} the loss decides where weights are removed, expected global`)
    const beside = methodFor(names[0], flags).beside ?? ''
    const others = every.filter((name) => usual.get(name)!.includes(flag))
    if (names.some((name) => others.includes(name))) refuse(flag, `has no effect with ${listed(names)}${beside}`)
    refuse(flag, `has no effect with ${listed(names)}: it is for ${listed(others)}`)
  }
  if (flags.data !== undefined || names.some((name) => !methods[name].stored)) return
  const withData = [...ofMethods, 'finetune', 'granularity', 'metric', 'mean', 'std', 'skipCorrupt']
  for (const flag of withData)
    if (flag !== 'scope' && flag !== 'seed' && given.has(flag)) refuse(flag, 'needs --data with a data set or a folder')
}

/** `a`, `a and b`, `a, b and c`. */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
