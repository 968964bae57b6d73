/** @file The N:M pattern that a weight's zeros have, if any. */
import { type Shape, sizeOf } from '../../graph/tensor.ts'

/** Patterns that are looked for, tightest first: those that processors and kernels are made for. */
const PATTERNS = [
  [1, 4],
  [1, 8],
  [2, 8],
  [1, 2],
  [2, 4],
  [4, 8],
] as const

/**
 * The tightest of them: at most n of every m consecutive inputs of an output are not zero. Undefined where
 * there is none, or nothing is left.
 */
export function patternOf(values: ArrayLike<number>, shape: Shape): string | undefined {
  if (shape.length < 2 || values.length === 0) return undefined
  const columns = sizeOf(shape) / shape[0]
  const holds = (n: number, m: number) => {
    if (columns % m !== 0) return false
    for (let from = 0; from < values.length; from += m) {
      let left = 0
      for (let i = from; i < from + m; i++) if (values[i] !== 0) left++
      if (left > n) return false
    }
    return true
  }
  const some = Array.prototype.some.call(values, (x: number) => x !== 0)
  const tightest = PATTERNS.map(([n, m]) => ({ n, m, density: n / m }))
    .sort((a, b) => a.density - b.density || a.m - b.m)
    .find(({ n, m }) => holds(n, m))
  return some && tightest ? `${tightest.n}:${tightest.m}` : undefined
}
