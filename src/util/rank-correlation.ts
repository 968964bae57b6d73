/** @file Spearman's rank correlation: whether two lists put the same things first. */

/** From -1 to 1, equal values share their mean rank; undefined where a list has one value throughout. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | undefined {
  const [x, y] = [centred(ranks(a)), centred(ranks(b))]
  const sum = (p: readonly number[], q: readonly number[]) => p.reduce((all, value, i) => all + value * q[i], 0)
  const size = Math.sqrt(sum(x, x) * sum(y, y))
  return size > 0 ? sum(x, y) / size : undefined
}

/** From 0. */
function ranks(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b)
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2)
}

const centred = (values: readonly number[]): number[] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map((value) => value - mean)
}
