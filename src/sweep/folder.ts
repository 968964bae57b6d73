/**
 * @file A folder of recipes as a sweep: every file is a run, named by its file. Files may be mended, and
 * others added, before it is resumed. What is no recipe fails alone; the others run.
 */
import { existsSync, readdirSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import type { Recipe } from '../experiment/recipe/recipe.ts'
import { FILES } from '../experiment/run/folder.ts'
import { errorText, isMendable, UserError } from '../util/errors.ts'
import { SWEEP_FILES } from './files.ts'
import { type Broken, type Cell, type Sweep, singleRun } from './sweep-file.ts'

const ENDINGS = ['.yaml', '.yml', '.json']

/** What a folder of recipes holds. */
export interface RecipeFolder extends Sweep {
  /** Files that are no recipe, with why. */
  broken: readonly Broken[]
  /** Names of files that are for `espalier sweep`. */
  sweeps: readonly string[]
}

/**
 * Reads every file of a folder whose name ends as that of a recipe or of a configuration does, in the order
 * of their names; `read` makes a recipe of a path. Throws UserError where the folder holds none, or two of
 * the same name, or is that of a run or a sweep.
 */
export function readFolder(path: string, read: (file: string) => Recipe): RecipeFolder {
  refuseResults(path)
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && ENDINGS.includes(extname(entry.name).toLowerCase()))
    .map(({ name }) => name)
    .sort()
  const [sweeps, recipes] = [files.filter(isSweep), files.filter((file) => !isSweep(file))]
  if (recipes.length === 0)
    throw new UserError(`${path} holds no recipe: expected files that end in ${ENDINGS.join(', ')}, found none`)
  const cells: Cell[] = []
  const broken: Broken[] = []
  const fileOf = new Map<string, string>()
  for (const file of recipes) {
    const name = basename(file, extname(file)).replace(/[^\w.+-]+/g, '_')
    const other = fileOf.get(name)
    if (other !== undefined)
      throw new UserError(
        `${path}: the runs of ${other} and ${file} would both be called ${name}: expected other names`,
      )
    fileOf.set(name, file)
    const named = { name, values: { file } }
    try {
      cells.push({ ...named, recipe: singleRun(read(join(path, file)), join(path, file)) })
    } catch (error) {
      if (!isMendable(error)) throw error
      broken.push({ ...named, reason: errorText(error) })
    }
  }
  return { name: basename(resolve(path)), keys: ['file'], cells, broken, sweeps }
}

const isSweep = (file: string): boolean => /\.sweep\.ya?ml$/i.test(file)

/** A folder of results holds recipes, too, which are not meant. */
function refuseResults(path: string): void {
  const [run, sweep] = [join(path, FILES.recipe), join(path, SWEEP_FILES.sweep)]
  if (existsSync(run) && existsSync(join(path, FILES.environment)))
    throw new UserError(
      `${path} is the folder of a run: expected a recipe or a folder of recipes; espalier run ${run} --resume --out ${path} goes on with it`,
    )
  if (existsSync(sweep) && existsSync(join(path, 'recipes')))
    throw new UserError(`${path} is the folder of a sweep: expected a recipe or a folder of recipes`)
}
