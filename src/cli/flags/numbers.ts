/** @file Numbers on the command line. */

import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'

/** A whole number from `least` to `most`. Throws UserError that names the flag. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new UserError(`${flag}: expected a whole number from ${grouped(least)} to ${grouped(most)}, found ${text}`)
}
