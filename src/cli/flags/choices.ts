/** @file Names on the command line. */
import { UserError } from '../../util/errors.ts'
import { suggestion } from '../../util/suggest.ts'

/** One of some known names. Throws UserError that names the flag and the nearest of them. */
export function oneOf<T extends string>(flag: string, name: string, known: readonly T[]): T {
  const found = known.find((one) => one === name)
  if (found === undefined) throw new UserError(`${flag}: there is no ${name}${suggestion(name, known)}`)
  return found
}

/** Comma-separated patterns of tensors' names. */
export const patterns = (text: string | undefined): string[] | undefined =>
  text?.split(',').map((pattern) => pattern.trim())
