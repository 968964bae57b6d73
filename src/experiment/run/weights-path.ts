/**
 * @file A run folder is a model: where a command takes a file of weights, it takes the folder of a run too.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { FILES } from './folder.ts'

/**
 * The file of weights that a path names: itself, or the model in the folder of a run. Throws UserError where
 * a folder holds none.
 */
export function weightsPath(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  const model = join(path, FILES.model)
  if (existsSync(model)) return model
  const recipe = join(path, FILES.recipe)
  const inside = readdirSync(path).find((name) => existsSync(join(path, name, FILES.model)))
  if (inside !== undefined)
    throw new UserError(`${path} holds several runs: expected the folder of one of them, such as ${join(path, inside)}`)
  if (existsSync(recipe))
    throw new UserError(
      `${path} holds a run that has no ${FILES.model} yet: go on with espalier run ${recipe} --resume --out ${path}`,
    )
  throw new UserError(`${path} is a folder without ${FILES.model}: expected a file of weights or the folder of a run`)
}
