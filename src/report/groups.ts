/**
 * @file Groups runs that differ by nothing but their seed, and the name where it goes with that, and finds
 * the fewest settings that tell groups apart.
 */
import { dirname, relative } from 'node:path'
import type { Recipe } from '../experiment/recipe/recipe.ts'
import { settingsOf } from '../experiment/recipe/sections/about.ts'
import type { ReportedRun } from './run.ts'

export interface RunGroup {
  runs: ReportedRun[]
  /** How the network gets its zeros: by default the name of the method, or `dense` where it has none. */
  method: string
  /** The sparsity that the recipe asks for; absent where it asks for none. */
  sparsity?: number
  /**
   * The values of the other settings that tell the group from those of the same method and sparsity, in the
   * order of {@link Groups.keys}.
   */
  settings: readonly string[]
}

export interface Groups {
  groups: RunGroup[]
  /**
   * The recipe keys that are needed beside method and sparsity to tell the groups apart, such as
   * `train.learningRate`.
   */
  keys: readonly string[]
}

/**
 * Groups the runs, in the order of their first ones. With `each`, every run is a group; `named`: what the
 * method of a recipe is called.
 */
export function groupRuns(runs: readonly ReportedRun[], { each = false, named = methodOf } = {}): Groups {
  const groupsByKey = new Map<string, Alike>()
  for (const run of runs) {
    const settings = identity(run)
    const key = each ? run.folder : JSON.stringify([...settings])
    const group = groupsByKey.get(key) ?? { runs: [], settings }
    groupsByKey.set(key, group)
    group.runs.push(run)
  }
  const found = [...groupsByKey.values()]
  const all = (each ? found : withoutNamesOfSeeds(found)).map(({ runs, settings }) => {
    const [{ recipe }] = runs
    return { runs, settings, method: named(recipe), sparsity: sparsityAsked(recipe) }
  })
  const keys = each ? [] : distinguishing(all)
  const prefix = commonPrefix(all.map(({ settings }) => settings.get('name') ?? ''))
  const setting = (settings: ReadonlyMap<string, string>, key: string) =>
    key === 'name' ? settings.get(key)!.slice(prefix.length) : (settings.get(key) ?? '')
  const groups = all.map((group) => ({ ...group, settings: keys.map((key) => setting(group.settings, key)) }))
  return { groups, keys }
}

interface Alike {
  runs: ReportedRun[]
  settings: Map<string, string>
}

/**
 * Groups that differ by their name alone become one where each of their runs has a seed of its own, as in
 * files that are copied for every seed; it is called by what the names begin with.
 */
function withoutNamesOfSeeds(groups: readonly Alike[]): Alike[] {
  const byOthers = new Map<string, Alike[]>()
  for (const group of groups) {
    const key = JSON.stringify([...group.settings].filter(([setting]) => setting !== 'name'))
    byOthers.set(key, [...(byOthers.get(key) ?? []), group])
  }
  return [...byOthers.values()].flatMap((alike) => {
    const runs = alike.flatMap((group) => group.runs)
    if (alike.length === 1 || new Set(runs.map(({ recipe }) => recipe.seed)).size < runs.length) return alike
    return [{ runs, settings: new Map([...alike[0].settings, ['name', sharedName(runs)]]) }]
  })
}

/** What the names of runs begin with, without the marks before their differences; else the first name. */
function sharedName(runs: readonly ReportedRun[]): string {
  const [first, ...others] = runs.map(({ recipe }) => recipe.name)
  let end = 0
  while (end < first.length && others.every((name) => name[end] === first[end])) end++
  return first.slice(0, end).replace(/[-_.]+$/, '') || first
}

/** The text that all names begin with, up to a dash. */
function commonPrefix([first = '', ...others]: readonly string[]): string {
  let end = 0
  for (let at = first.indexOf('-') + 1; at > 0; at = first.indexOf('-', at) + 1)
    if (others.every((name) => name.startsWith(first.slice(0, at)))) end = at
  return first.slice(0, end)
}

/** What a group is called without its sparsity. */
export const seriesOf = ({ method, settings }: RunGroup): string => [method, ...settings].filter(Boolean).join(', ')
/** What a group is called with its sparsity. */
export const labelOf = (group: RunGroup): string =>
  group.sparsity === undefined ? seriesOf(group) : `${seriesOf(group)}, ${percentText(group.sparsity)}`

/** A share in percent, such as `98 %` or `99.5 %`, with up to four digits behind the point. */
export const percentText = (share: number): string => `${Number((100 * share).toFixed(4))} %`

export function methodOf({ rewire, tie, train, prune, model }: Recipe): string {
  if (rewire) return rewire.method
  if (tie) return 'tied'
  if (train.gsm) return 'gsm'
  if (prune) return prune.method
  return model.masks === undefined ? 'dense' : 'given mask'
}

export function sparsityAsked({ prune, tie, train }: Recipe): number | undefined {
  if (train.gsm?.ratio !== undefined) return 1 - 1 / train.gsm.ratio
  return (prune?.target ? undefined : prune?.sparsity) ?? tie?.sparsity
}

/** The settings that do not change what a run does, and the seed. */
const IGNORED = /^(seed|summary|about\..*)$/

/**
 * All settings of a run but its seed, as text. Files of runs in the same folder are named relative to that
 * folder, since with another seed they lie elsewhere.
 */
function identity({ folder, recipe }: ReportedRun): Map<string, string> {
  const settings = [...settingsOf(recipe)].filter(([key]) => !IGNORED.test(key))
  const beside = (path: string) => {
    const from = relative(dirname(folder), path)
    return from.startsWith('..') ? path : from
  }
  return new Map(
    settings.map(([key, value]) => [
      key,
      key === 'model.weights' || key === 'model.masks' ? beside(String(value)) : textOf(value),
    ]),
  )
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

interface Candidate {
  settings: ReadonlyMap<string, string>
  method: string
  sparsity?: number
}

/** The first keys, in the order of recipes, that tell apart the groups which method and sparsity do not. */
function distinguishing(groups: readonly Candidate[]): string[] {
  const keys = new Set(groups.flatMap(({ settings }) => [...settings.keys()]))
  const chosen: string[] = []
  for (const key of keys) {
    const alike = new Map<string, Set<string>>()
    for (const { settings, method, sparsity } of groups) {
      const known = JSON.stringify([method, sparsity, ...chosen.map((one) => settings.get(one))])
      alike.set(known, (alike.get(known) ?? new Set()).add(settings.get(key) ?? ''))
    }
    if ([...alike.values()].some((values) => values.size > 1)) chosen.push(key)
  }
  return chosen
}
