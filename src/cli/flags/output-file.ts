/** @file Where a command writes: checked before hours of work, not after them. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileProblem, UserError } from '../../util/errors.ts'

/**
 * Throws UserError where a file cannot be written there, or one exists (`inputs`: what is read, which is
 * named) and is not to be replaced.
 */
export function checkOutput(
  path: string,
  { inputs, force = false }: { inputs: readonly string[]; force?: boolean },
): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${fileProblem(error)}`)
  }
  const there = statSync(path, { throwIfNoEntry: false })
  if (!there) return
  if (there.isDirectory()) throw new UserError(`cannot write ${path}: it is a folder, not a file`)
  if (force) return
  const target = realpathSync(path)
  const read = inputs.find((input) => statSync(input, { throwIfNoEntry: false }) && realpathSync(input) === target)
  throw new UserError(
    read === undefined
      ? `${path} exists already; --force writes over it`
      : `${path} is the file that is read${read === path ? '' : ` as ${read}`}; --force writes over it`,
  )
}
