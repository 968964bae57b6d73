/** @file The flags of espalier run, and the changes to recipes that some of them are. */
import { COMMAND_KEYS, readCommand } from '../../experiment/dsr/read.ts'
import { type Recipe, readRecipe, typedKeysIn } from '../../experiment/recipe/recipe.ts'
import { namingTyped, type TypedKeys } from '../../experiment/recipe/typed-keys.ts'
import { UserError } from '../../util/errors.ts'

/** Those that change recipes. */
export interface ChangeFlags {
  set: string[]
  seed?: string
  onCollapse?: string
  kernels?: string
  costs?: string
}

export interface RunFlags extends ChangeFlags {
  out?: string
  resume?: boolean
  force?: boolean
  dryRun?: boolean
  quiet?: boolean
  json?: boolean
  jsonSteps?: boolean
  checkpointSeconds?: number
  untilPruning?: boolean
  jobs?: number
  /** A command line of DSR's program, in the place of a recipe. */
  from?: string
}

/** Where a recipe is from: what messages call that, and how it is read with changes. */
export interface Origin {
  source: string
  read(changes: readonly string[]): Recipe
  /** What a person typed for the recipe's keys, where it was not these. */
  typed(): TypedKeys
}

/** Of a command line, or else of a file. Throws UserError where there is neither. */
export function originOf(path: string | undefined, { from }: Pick<RunFlags, 'from'>): Origin {
  if (from !== undefined)
    return {
      source: '--from',
      read: (changes) => readCommand(from, changes, { source: '--from' }).recipe,
      typed: () => COMMAND_KEYS,
    }
  if (path === undefined) throw new UserError('expected a recipe, or --from with a command line, found neither')
  return fileOrigin(path)
}

export const fileOrigin = (path: string): Origin => {
  return { source: path, read: (changes) => readRecipe(path, changes), typed: () => typedKeysIn(path) }
}

/** Reads a recipe with the changes of the flags. Throws UserError where they do not fit it. */
export function changed({ source, read }: Origin, flags: ChangeFlags): Recipe {
  if (flags.onCollapse !== undefined && read(flags.set).prune === undefined)
    throw new UserError(`--on-collapse is for recipes that prune: ${source} has no prune section`)
  return read(changesOf(flags))
}

function changesOf({ set, seed, onCollapse, kernels, costs }: ChangeFlags): string[] {
  const flags = { seed, 'prune.onCollapse': onCollapse, 'train.kernels': kernels, 'train.costs': costs }
  return [...set, ...Object.entries(flags).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))]
}

/** What `work` returns; errors of its recipe's keys name what a person typed for them. */
export async function named<T>({ source, typed }: Origin, flags: ChangeFlags, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw namingTyped(error, { source, keys: typed(), changes: changesOf(flags) })
  }
}

/** The same of a file. */
export const changedRecipe = (path: string, flags: ChangeFlags): Recipe => changed(fileOrigin(path), flags)

/** The same flags as a shell takes them. */
export function changesAsText({ set, seed, onCollapse, kernels, costs }: ChangeFlags): string {
  const others = { '--seed': seed, '--on-collapse': onCollapse, '--kernels': kernels, '--costs': costs }
  const flags = [...set.map((change) => ['--set', change]), ...Object.entries(others)]
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoted(value)])).join(' ')
}

const quoted = (text: string): string =>
  /^[\w./:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
