/**
 * @file A command line of the published program of dynamic sparse reparameterization, read as a checked
 * recipe.
 */
import { Document } from 'yaml'
import { applyChanges } from '../recipe/changes.ts'
import { checkRecipe, type Recipe } from '../recipe/recipe.ts'
import { namingTyped, type TypedKeys } from '../recipe/typed-keys.ts'
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
  try {
    return { recipe: checkRecipe(document.toJS(), context.source), after }
  } catch (error) {
    throw namingTyped(error, { source: context.source, keys: COMMAND_KEYS, changes })
  }
}

/** The options that a person typed, by the keys that they become. */
export const COMMAND_KEYS: TypedKeys = {
  seed: '--job-idx',
  'model.widen': '--widen-factor',
  'train.epochs': '--epochs',
  'train.start': '--start-epoch',
  'train.batch': '--batch-size',
  'train.momentum': '--momentum',
  'train.weightDecay': '--weight-decay',
  'train.l1': '--L1-loss-coeff',
  'train.groupLasso': '--L1-loss-coeff',
  'prune.sparsity': 'sparsity (--initial-sparsity-fc and -conv, or those of --prune)',
  'rewire.moves': '--n-prune-params',
  'rewire.fraction': '--rewire-fraction',
  'rewire.eta': '--DeepR_eta',
}
