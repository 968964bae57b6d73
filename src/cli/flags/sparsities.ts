/** @file Lists of sparsities on the command line. */
import { UserError } from '../../util/errors.ts'

/** Throws UserError that names what was asked for. */
export function shareOf(text: string, called = '--sparsity'): number {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share < 1) return share
  throw new UserError(`${called}: expected the share of zeros, at least 0 and below 1, found ${text}`)
}

/** Ascending sparsities, comma separated. Throws UserError that names what was asked for. */
export function ascendingShares(list: string, called: string): number[] {
  const found = list.split(',').map((text) => shareOf(text, called))
  const wrong = found.findIndex((share, i) => share <= (found[i - 1] ?? 0))
  if (wrong >= 0) throw new UserError(`${called}: expected ascending sparsities above 0, found ${list}`)
  return found
}
