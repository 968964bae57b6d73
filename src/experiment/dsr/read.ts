/**
 * @file A command line of the published program of dynamic sparse reparameterization, read as a checked
 * recipe.
 */
import { Document } from 'yaml'
import { applyChanges } from '../recipe/changes.ts'
import { checkRecipe, type Recipe } from '../recipe/recipe.ts'
import { type CommandContext, recipeOfCommand } from './recipe.ts'

/**
 * The recipe of a line, with `key.path=value` changes, and the names of runs whose files it begins with.
 * Throws UserError, beginning with what the line is called.
 */
export function readCommand(
  line: string,
  changes: readonly string[],
  context: CommandContext,
): { recipe: Recipe; after: string[] } {
  const { recipe, after } = recipeOfCommand(line, context)
  const document = new Document(recipe)
  applyChanges(document, changes, context.source)
  return { recipe: checkRecipe(document.toJS(), context.source), after }
}
