/** @file A command line cut into words, as a POSIX shell does it, without its variables and wildcards. */
import { UserError } from '../../util/errors.ts'
import { excerpt } from '../../util/excerpt.ts'

/**
 * The words of a line. What stands between single quotes is as it is; between double quotes, and outside of
 * any, a backslash takes the meaning from the character after it. Throws UserError, beginning with `source`,
 * where a quote is not closed or nothing follows a backslash.
 */
export function wordsOf(line: string, source: string): string[] {
  const pieces = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(\s+)|([^\s'"\\]+)/suy
  const words: string[] = []
  let word: string | undefined
  while (pieces.lastIndex < line.length) {
    const at = pieces.lastIndex
    const found = pieces.exec(line)
    if (!found)
      throw new UserError(`${source}: expected a closing quote or a character after ${excerpt(line.slice(at))}`)
    const [, single, double, escaped, space, plain] = found
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain)
  }
  return word === undefined ? words : [...words, word]
}
