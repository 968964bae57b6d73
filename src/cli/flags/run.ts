/** @file The flags of espalier run, and the changes to recipes that some of them are. */
import { type Recipe, readRecipe } from '../../experiment/recipe/recipe.ts'
import { UserError } from '../../util/errors.ts'

/** Those that change recipes. */
export interface ChangeFlags {
  set: string[]
  seed?: string
  onCollapse?: string
  kernels?: string
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
}

/** Reads a recipe with the changes of the flags. Throws UserError where they do not fit it. */
export function changedRecipe(path: string, { set, seed, onCollapse, kernels }: ChangeFlags): Recipe {
  const flags = { seed, 'prune.onCollapse': onCollapse, 'train.kernels': kernels }
  const changes = Object.entries(flags).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
  if (onCollapse !== undefined && readRecipe(path, set).prune === undefined)
    throw new UserError(`--on-collapse is for recipes that prune: ${path} has no prune section`)
  return readRecipe(path, [...set, ...changes])
}

/** The same flags as a shell takes them. */
export function changesAsText({ set, seed, onCollapse, kernels }: ChangeFlags): string {
  const others = { '--seed': seed, '--on-collapse': onCollapse, '--kernels': kernels }
  const flags = [...set.map((change) => ['--set', change]), ...Object.entries(others)]
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoted(value)])).join(' ')
}

const quoted = (text: string): string =>
  /^[\w./:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
