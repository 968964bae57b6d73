/**
 * @file Texts as numbers: words in small letters, numbers and some marks, each hashed into a vocabulary
 * (Weinberger et al. 2009), so that no list of words has to be kept. Words that share a number are taken for
 * one.
 */

/** What is a token of its own: words, runs of digits, and marks that say something about a text. */
const TOKEN = /[\p{L}']+|\p{N}+|[!?$%@]/gu

/** The tokens of a text, 1 to below `vocabulary`; tags of HTML are left out. */
export function textTokens(text: string, vocabulary: number): number[] {
  const words =
    text
      .replace(/<[^>]*>/g, ' ')
      .toLowerCase()
      .match(TOKEN) ?? []
  return words.map((word) => 1 + (hash(word) % (vocabulary - 1)))
}

/** FNV-1a of 32 bits over the units of a word. */
function hash(word: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < word.length; i++) sum = Math.imul(sum ^ word.charCodeAt(i), 0x01000193)
  return sum >>> 0
}

/** Tokens as two rows of `count` bytes, the low ones first; 0 where there are fewer tokens. */
export function bytesOfTokens(tokens: readonly number[], count: number): Uint8Array {
  const bytes = new Uint8Array(2 * count)
  tokens.slice(0, count).forEach((token, i) => {
    bytes[i] = token & 255
    bytes[count + i] = token >>> 8
  })
  return bytes
}
