/** @file The flags of espalier run, and the changes to recipes that some of them are. */
import { readCommand } from '../../experiment/dsr/read.ts'
import { type Recipe, readRecipe } from '../../experiment/recipe/recipe.ts'
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
}

/** Of a command line, or else of a file. Throws UserError where there is neither. */
export function originOf(path: string | undefined, { from }: Pick<RunFlags, 'from'>): Origin {
  if (from !== undefined)
    return { source: '--from', read: (changes) => readCommand(from, changes, { source: '--from' }).recipe }
  if (path === undefined) throw new UserError('expected a recipe, or --from with a command line, found neither')
  return fileOrigin(path)
}

const fileOrigin = (path: string): Origin => {
  return { source: path, read: (changes) => readRecipe(path, changes) }
}

/** Reads a recipe with the changes of the flags. Throws UserError where they do not fit it. */
export function changed({ source, read }: Origin, { set, seed, onCollapse, kernels, costs }: ChangeFlags): Recipe {
  const flags = { seed, 'prune.onCollapse': onCollapse, 'train.kernels': kernels, 'train.costs': costs }
  const changes = Object.entries(flags).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
  if (onCollapse !== undefined && read(set).prune === undefined)
    throw new UserError(`--on-collapse is for recipes that prune: ${source} has no prune section`)
  return read([...set, ...changes])
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
