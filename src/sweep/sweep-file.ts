/**
 * @file Sweep files: a recipe, and the values that some of its keys take, in every combination.
 *
 *     recipe: resnet18-cifar10.yaml     # beside the sweep file
 *     set: { train.epochs: 8 }          # for all runs
 *     grid:
 *       prune.method: [random, snip]
 *       prune.sparsity: [0.9, 0.98]
 *       seed: [0, 42, 123]
 */
import { dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { type Recipe, readRecipe } from '../experiment/recipe/recipe.ts'
import { aboutSchema } from '../experiment/recipe/sections/about.ts'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { plainValue, readYaml } from '../util/yaml.ts'
import type { Cell, Scalar, Sweep } from './cell.ts'
import { isExperimentList, readExperimentList } from './experiment-list.ts'

export type { Broken, Cell, Named, Scalar, Sweep } from './cell.ts'

const scalar: z.ZodType<Scalar> = z.union([z.string(), z.number(), z.boolean()])

const sweepSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'expected letters, digits, dots, dashes and underscores')
    .describe('Names the folder.'),
  summary: z.string().optional().describe('One line for lists and reports.'),
  about: aboutSchema
    .omit({ published: true })
    .optional()
    .describe('What the sweep says of itself where that differs from its recipe.'),
  recipe: z.string().describe('Path of the recipe, absolute or from the folder of the sweep file.'),
  set: z.record(z.string(), scalar).default({}).describe('Recipe keys with values for all runs.'),
  grid: z
    .record(z.string(), z.array(scalar).min(1))
    .describe('Recipe keys with lists of values: a run for every combination, the last key changing fastest.'),
})

/** The most runs of a sweep: more are a slip. */
const MOST = 100_000

/**
 * Reads a sweep file, or an experiment list (experiment-list.ts), and the recipe of every run, with
 * `key=value` changes to all of them. `out` is the sweep's folder (default: `sweeps/NAME`). Throws UserError
 * where anything does not fit, naming file, key and run.
 */
export function readSweep(path: string, changes: readonly string[] = [], out?: string): Sweep {
  const document = readYaml(path)
  if (isExperimentList(document)) return readExperimentList(path, document, changes, out)
  if (document.has('train') && !document.has('grid'))
    throw new UserError(`${path} is a recipe, which espalier run runs: expected a sweep, with recipe and grid`)
  const sweep = checkSchema(sweepSchema, plainValue(document, path), { source: path, whole: 'sweep' })
  const keys = Object.keys(sweep.grid)
  if (keys.length === 0)
    throw new UserError(`${path}: grid: expected at least one key with a list of values, found none`)
  const count = keys.reduce((product, key) => product * sweep.grid[key].length, 1)
  if (count > MOST) throw new UserError(`${path}: grid: expected at most ${MOST} runs, found ${count}`)
  const recipe = isAbsolute(sweep.recipe) ? sweep.recipe : join(dirname(path), sweep.recipe)
  const set = Object.entries(sweep.set).map(assignment)
  const names = new Set<string>()
  const cells = combinations(keys, sweep.grid).map((values): Cell => {
    const name = Object.values(values).map(fileName).join('-')
    if (names.has(name)) throw new UserError(`${path}: grid: two runs are called ${name}; expected values that differ`)
    names.add(name)
    try {
      const own = readRecipe(recipe, [...set, ...Object.entries(values).map(assignment), ...changes])
      return { name, values, recipe: singleRun(own, recipe) }
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${path}: run ${name}: ${error.message}`) : error
    }
  })
  return { name: sweep.name, summary: sweep.summary, keys, cells }
}

/** The recipe. Throws UserError, which calls its file `source`, where it asks for several runs. */
export function singleRun(recipe: Recipe, source: string): Recipe {
  if (!recipe.ticket) return recipe
  throw new UserError(`${source}: ticket: a sweep takes recipes of one run, expected no such section`)
}

function combinations(keys: readonly string[], grid: Record<string, Scalar[]>): Record<string, Scalar>[] {
  return keys.reduce<Record<string, Scalar>[]>(
    (all, key) => all.flatMap((values) => grid[key].map((value) => ({ ...values, [key]: value }))),
    [{}],
  )
}

/** As `espalier run --set` takes it: JSON is YAML. */
const assignment = ([key, value]: [string, Scalar]): string => `${key}=${JSON.stringify(value)}`

const fileName = (value: Scalar): string => String(value).replace(/[^\w.+]+/g, '_')
