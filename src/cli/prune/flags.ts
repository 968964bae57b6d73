/**
 * @file Which flags of espalier prune say something to which method. One that would be ignored is refused.
 */
import type { Command } from 'commander'
import { UserError } from '../../util/errors.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { methodName, type PruneFlags, type PruneMethodName } from './settings.ts'

/** Of methods that take gradients of samples. */
const gradients = ['samples', 'miniBatch', 'memory', 'fisherCache', 'stages', 'judge', 'faithful', 'seed'] as const
const calibration = ['samples', 'damp', 'seed'] as const

/** Flags that some methods use and others do not, by method: a new one states its own here. */
const uses = {
  magnitude: ['scope', 'faithful'],
  random: ['scope', 'seed'],
  obd: gradients,
  woodfisher: [...gradients, 'blockSize', 'damp'],
  'cbs-select': [...gradients, 'blockSize'],
  'cbs-update': [...gradients, 'blockSize', 'damp'],
  cbs: [...gradients, 'blockSize', 'damp'],
  chita: [...gradients, 'blockSize', 'damp'],
  obc: calibration,
  sparsegpt: calibration,
} satisfies Record<PruneMethodName, readonly (keyof PruneFlags)[]>

const entries = Object.entries(uses) as [PruneMethodName, readonly (keyof PruneFlags)[]][]
const ofMethods = new Set(entries.flatMap(([, flags]) => flags))

/** Flags that say something only where there are data. */
const withData: readonly (keyof PruneFlags)[] = [
  ...ofMethods.values(),
  ...(['refreshBn', 'finetune', 'mean', 'std', 'skipCorrupt'] as const),
].filter((flag) => flag !== 'scope' && flag !== 'seed')

/** Flags about what is written, or becomes of it. */
const written = [
  ...(['out', 'finetune', 'onCollapse', 'sparse', 'dtype', 'foldBn', 'compact'] as const),
  ...(['multipleOf', 'batch', 'sizes', 'force'] as const),
] as const

/**
 * Throws UserError, naming the flag, where one was given that the method, or none of several to compare,
 * uses. Methods that need data and have none are refused elsewhere.
 */
export function checkPruneFlags(command: Command, flags: PruneFlags): void {
  const given = givenFlags(command) as Set<keyof PruneFlags>
  const refuse = (flag: keyof PruneFlags, why: string): never => {
    throw new UserError(`${flagName(command, flag)} ${why}`)
  }
  const names = (flags.compare ?? flags.method ?? '').split(',').map((name) => methodName(name.trim()))
  for (const flag of flags.compare === undefined ? [] : written)
    if (given.has(flag)) refuse(flag, 'has no effect with --compare, which writes nothing')
  for (const flag of ofMethods) {
    if (!given.has(flag) || names.some((name) => usedBy(name).includes(flag))) continue
    if (flag === 'seed' && given.has('refreshBn')) continue // It draws the images.
    const others = entries.flatMap(([name, own]) => (own.includes(flag) ? [name] : []))
    if (flag === 'scope' && flags.scope === 'global') continue // What they do.
    if (flag === 'scope')
      refuse(
        flag,
        `${flags.scope} is for ${listed(others)}: with ${listed(names)} the loss decides where weights are removed`,
      )
    refuse(flag, `has no effect with ${listed(names)}: it is for ${listed(others)}`)
  }
  if (flags.data !== undefined || names.some((name) => !usedBy(name).includes('scope'))) return
  for (const flag of withData) if (given.has(flag)) refuse(flag, 'needs --data with a data set or a folder')
}

const usedBy = (name: PruneMethodName): readonly (keyof PruneFlags)[] => uses[name]

/** `a`, `a and b`, `a, b and c`. */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
