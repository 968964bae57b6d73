/**
 * @file The nearest of some names to one that is not among them.
 */
import leven from 'leven'

/** ` (did you mean X?)` for a likely typing error, else ` (known: a, b, c)`, or the nearest `most` of them where there are more. */
export function suggestion(name: string, known: readonly string[], most = known.length): string {
  const ranked = [...known].sort((a, b) => leven(name, a) - leven(name, b))
  const [best] = ranked
  if (best !== undefined && leven(name, best) <= Math.max(2, Math.floor(best.length / 3)))
    return ` (did you mean ${best}?)`
  return known.length > most ? ` (nearest: ${ranked.slice(0, most).join(', ')})` : ` (known: ${known.join(', ')})`
}
