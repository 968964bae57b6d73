/** @file Recipes and sweeps by name: files of the current folder, else those that come with this package. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { packageFile } from '../../util/package.ts'
import { suggestion } from '../../util/suggest.ts'

export interface PackagedRecipe {
  kind: 'recipe' | 'sweep'
  /** What `espalier run` or `espalier sweep` calls it: `quickstart`, `dynamic/mnist-dsr`. */
  name: string
  path: string
}

const ENDINGS = { recipe: '.yaml', sweep: '.sweep.yaml' }

/** All of this package, in the order of their paths. */
export function packagedRecipes(): PackagedRecipe[] {
  const folder = packageFile('recipes')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ENDINGS.recipe))
    .sort()
    .map((file) => {
      const kind = file.endsWith(ENDINGS.sweep) ? 'sweep' : 'recipe'
      return { kind, name: file.slice(0, -ENDINGS[kind].length).replaceAll('\\', '/'), path: join(folder, file) }
    })
}

/** How many names a message lists at most. */
const NEAREST = 5

/**
 * The file of a recipe or sweep: the one that is there under this name, else the one of this package that has
 * it, with its folder or, where no other is called so, without. What ends as a file does is one. Throws
 * UserError, with the nearest names, where there is neither.
 */
export function recipePath(given: string, kind: PackagedRecipe['kind']): string {
  if (existsSync(given) || /\.ya?ml$/i.test(given)) return given
  const own = packagedRecipes().filter((one) => one.kind === kind)
  const found = own.filter(({ name }) => name === given || basename(name) === given)
  const [one, ...others] = found
  if (!one) {
    const near = suggestion(given, names(own, given), NEAREST)
    throw new UserError(`there is no file named ${given}, and no ${kind} of this package${near}`)
  }
  if (others.length > 0)
    throw new UserError(
      `${given} is more than one ${kind} of this package: ${found.map(({ name }) => name).join(', ')}`,
    )
  return one.path
}

/** With their folders where one was given. */
const names = (recipes: readonly PackagedRecipe[], given: string): string[] =>
  recipes.map(({ name }) => (given.includes('/') ? name : basename(name)))
