/** @file The recipes and sweeps of this package: what they say of themselves. */
import { dirname, join, relative } from 'node:path'
import { type Recipe, readRecipe } from '../../experiment/recipe/recipe.ts'
import { type About, type Published, publishedFor, settingsOf } from '../../experiment/recipe/sections/about.ts'
import { readYaml } from '../../util/yaml.ts'
import { oneOf } from '../flags/choices.ts'
import { type PackagedRecipe, packagedRecipes } from '../flags/recipe-file.ts'

export interface RecipeEntry {
  /** Its path from the current folder. */
  name: string
  summary: string
  /** The command that runs it. */
  run: string
  /** The folder that it is in: what its experiments are about. */
  family: string
  network: string
  data: string
  paper?: string
  /** Where the figures stand in the paper. */
  table?: string
  /** Published test accuracies in percent, and what else is to be expected. */
  expected?: string
  cost?: string
  /** The cost as a number, of all runs of a sweep. */
  minutes?: number
}

/** What the recipes that are listed have, and what they take at most. */
export type RecipeFilter = Partial<Pick<RecipeEntry, 'family' | 'network' | 'data'>> & { maxMinutes?: number }

/**
 * Those that have what the filter says, in the order of their paths. Throws UserError where one cannot be
 * read, and where the filter names what none of them has.
 */
export function listRecipes({
  family,
  network,
  data,
  maxMinutes = Number.POSITIVE_INFINITY,
}: RecipeFilter = {}): RecipeEntry[] {
  const affordable = ({ minutes = 0 }: RecipeEntry) => minutes <= maxMinutes
  return Object.entries({ family, network, data })
    .reduce((left, [key, value]) => {
      if (value === undefined) return left
      const of = (entry: RecipeEntry) => entry[key as 'family' | 'network' | 'data']
      const wanted = oneOf(`--${key}`, value, [...new Set(left.map(of))])
      return left.filter((entry) => of(entry) === wanted)
    }, packagedRecipes().map(entryOf))
    .filter(affordable)
}

/** Several lines: what there is to say stands below the path. */
export function recipeText({ name, summary, minutes: _, ...rest }: RecipeEntry): string {
  const lines = Object.entries(rest).flatMap(([key, value]) => (value ? [`  ${`${key}:`.padEnd(10)}${value}`] : []))
  return [name, `  ${summary}`, ...lines].join('\n')
}

/** A sweep says what its recipe says, but for what its own section has. */
function entryOf({ kind, name, path }: PackagedRecipe): RecipeEntry {
  const value = readYaml(path).toJS()
  const sweep = kind === 'sweep'
  const recipe = readRecipe(sweep ? join(dirname(path), value.recipe) : path)
  const about: Partial<About> = { ...recipe.about, ...value.about }
  const published = sweep ? publishedIn(recipe, value) : publishedOf(recipe)
  const figures = figuresText(recipe, published)
  return {
    name: relative('.', path),
    summary: String(value?.summary ?? ''),
    run: `espalier ${sweep ? 'sweep' : 'run'} ${name}`,
    family: name.includes('/') ? dirname(name) : 'basics',
    network: recipe.model.name,
    data: recipe.data.name,
    paper: about.paper,
    table: about.table,
    expected: [figures, about.expect].filter(Boolean).join('; ') || undefined,
    cost: about.cost,
    minutes: about.minutes,
  }
}

/** Figures of the recipe as it is; all of them where they belong to parts of it, as with tickets. */
function publishedOf(recipe: Recipe): Published[] {
  const own = publishedFor(recipe)
  return own.length > 0 ? own : (recipe.about?.published ?? [])
}

/** Figures that belong to one of the runs of a sweep. */
function publishedIn(recipe: Recipe, { grid, set = {} }: { grid: object; set?: object }): Published[] {
  const values = new Map<string, unknown[]>(Object.entries({ ...set, ...grid }).map(([key, of]) => [key, [of].flat()]))
  const settings = settingsOf(recipe)
  return (recipe.about?.published ?? []).filter(({ where }) =>
    Object.entries(where).every(([key, value]) => (values.get(key) ?? [settings.get(key)]).includes(value)),
  )
}

/** More figures than this are not listed one by one. */
const MOST = 6

function figuresText({ name }: Recipe, published: readonly Published[]): string {
  const values = published.map(({ value }) => value)
  if (published.length > MOST)
    return `${published.length} published figures from ${Math.min(...values)} to ${Math.max(...values)} %`
  return published
    .map(({ value, deviation, where, source }) => {
      const of = Object.values(where).map((setting) => String(setting).replace(`${name}-`, ''))
      const notes = [...of, ...(source ? [source] : [])].join(', ')
      return `${value}${deviation === undefined ? '' : ` ± ${deviation}`} %${notes ? ` (${notes})` : ''}`
    })
    .join(', ')
}
