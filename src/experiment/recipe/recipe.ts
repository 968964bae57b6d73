/** @file Recipes: a whole experiment in one YAML file, read, checked and written. */
import { type Document, parseDocument, stringify } from 'yaml'
import { checkSchema } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { applyChanges, yamlProblem } from './changes.ts'
import { checkTogether, gsmRecipe } from './checks.ts'
import { isFisherTaylorConfig, recipeOfConfig } from './fisher-taylor-config.ts'
import { type Recipe, recipeSchema } from './schema.ts'

export type { Recipe } from './schema.ts'

/**
 * Reads a recipe file, or a configuration of the code of arXiv 2502.11450, and applies the budget that is
 * chosen and `key.path=value` changes to the recipe. Throws UserError naming file, key, what was found and
 * expected.
 */
export function readRecipe(path: string, changes: readonly string[] = []): Recipe {
  const document = parseDocument(new TextDecoder().decode(readBytes(path)))
  const [problem] = document.errors
  if (problem) throw new UserError(`${path} is not valid YAML: ${yamlProblem(problem)}`)
  const config = document.has('general') ? plainValue(document, path) : undefined
  if (isFisherTaylorConfig(config)) document.contents = document.createNode(recipeOfConfig(config, path)) as never
  applyChanges(document, changes, path)
  return checkRecipe(plainValue(document, path), path)
}

function plainValue(document: Document, path: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    // aliases without an anchor, or too many
    throw new UserError(`${path} is not valid YAML: ${yamlProblem(error)}`)
  }
}

/** Checks a recipe object; `source` is what messages call it. */
export function checkRecipe(value: unknown, source: string): Recipe {
  const recipe = checkSchema(recipeSchema, value, { source, whole: 'recipe' })
  checkTogether(recipe, source)
  if (recipe.ticket?.masks.includes('gsm')) checkRecipe(gsmRecipe(recipe), `${source}: ticket.gsm`)
  return recipe
}

export const recipeToYaml = (recipe: Recipe): string => stringify(recipe)
