/** @file Recipes: a whole experiment in one YAML file, read, checked and written. */
import { stringify } from 'yaml'
import { checkSchema } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { plainValue, readYaml } from '../../util/yaml.ts'
import { applyChanges } from './changes.ts'
import { checkTogether, gsmRecipe } from './checks.ts'
import { CONFIG_KEYS, isFisherTaylorConfig, recipeOfConfig } from './fisher-taylor-config.ts'
import { type Recipe, recipeSchema } from './schema.ts'
import { namingTyped, type TypedKeys } from './typed-keys.ts'

export type { Recipe } from './schema.ts'

/** Files of DSR's published program, by a key that no recipe has, and who takes them. */
const OTHERS = {
  jobs: 'a list of command lines, which espalier sweep runs',
  lr_schedule: 'a schedule file, which the --schedule-file of a command line names (espalier run --from)',
}

/**
 * Reads a recipe file, or a configuration of the code of arXiv 2502.11450, and applies the budget that is
 * chosen and `key.path=value` changes to the recipe. Throws UserError naming file, key, what was found and
 * expected.
 */
export function readRecipe(path: string, changes: readonly string[] = []): Recipe {
  const document = readYaml(path)
  for (const [key, what] of Object.entries(OTHERS))
    if (document.has(key)) throw new UserError(`${path}: expected a recipe, found ${what}`)
  const config = document.has('general') ? plainValue(document, path) : undefined
  if (isFisherTaylorConfig(config)) document.contents = document.createNode(recipeOfConfig(config, path)) as never
  applyChanges(document, changes, path)
  try {
    return checkRecipe(plainValue(document, path), path)
  } catch (error) {
    throw isFisherTaylorConfig(config) ? namingTyped(error, { source: path, keys: CONFIG_KEYS, changes }) : error
  }
}

/** What stands in a file for the keys of its recipe, where it is such a configuration. Throws UserError. */
export const typedKeysIn = (path: string): TypedKeys => (readYaml(path).has('general') ? CONFIG_KEYS : {})

/** Checks a recipe object; `source` is what messages call it. */
export function checkRecipe(value: unknown, source: string): Recipe {
  const recipe = checkSchema(recipeSchema, value, { source, whole: 'recipe' })
  checkSparsityGiven(recipe, value, source)
  checkTogether(recipe, source)
  if (recipe.ticket?.masks.includes('gsm')) checkRecipe(gsmRecipe(recipe), `${source}: ticket.gsm`)
  return recipe
}

/** A sparsity has a default for the sake of targets alone. */
function checkSparsityGiven({ prune }: Recipe, value: unknown, source: string): void {
  const given = (value as { prune: object } | undefined)?.prune
  if (!prune || prune.target || (given && 'sparsity' in given && given.sparsity !== undefined)) return
  throw new UserError(`${source}: prune.sparsity: expected a value of type number, or a prune.target, found nothing`)
}

export const recipeToYaml = (recipe: Recipe): string => stringify(recipe)
