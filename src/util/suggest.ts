/**
 * @file The nearest of some names to one that is not among them. Without a package, since pages use it too.
 */

/**
 * ` (did you mean X?)` for a likely typing error, else ` (known: a, b, c)`, or the nearest `most` of them
 * where there are more.
 */
export function suggestion(name: string, known: readonly string[], most = known.length): string {
  const ranked = [...known].sort((a, b) => distance(name, a) - distance(name, b))
  const [best] = ranked
  if (best !== undefined && isNear(name, best)) return ` (did you mean ${best}?)`
  return known.length > most ? ` (nearest: ${ranked.slice(0, most).join(', ')})` : ` (known: ${known.join(', ')})`
}

/** Whether a name may be a typing error for a known one. */
export const isNear = (name: string, known: string): boolean =>
  distance(name, known) <= Math.max(2, Math.floor(known.length / 3))

/** How many characters have to be put in, taken away or changed (Levenshtein 1966). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++)
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (from[i] === to[j] ? 0 : 1)))
    row = next
  }
  return row[to.length]
}
