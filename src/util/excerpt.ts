/**
 * @file The beginning of a text that may be anything, for a message of one line. Without a package, since
 * pages use it, too.
 */

/** The most characters of an excerpt. */
const MOST = 60

/** The text, or its beginning and an ellipsis: at most 60 characters, control characters as escapes. */
export function excerpt(text: string): string {
  const characters = [...text.slice(0, 2 * MOST)].map(escaped)
  const whole = characters.join('')
  if (whole.length <= MOST && text.length <= MOST) return whole
  let start = ''
  for (const character of characters) {
    if (start.length + character.length >= MOST) break
    start += character
  }
  return `${start}…`
}

const escaped = (character: string): string =>
  /\p{Cc}/u.test(character) ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character
