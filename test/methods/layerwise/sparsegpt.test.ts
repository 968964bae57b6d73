import { describe, expect, it } from 'vitest'
import type { Target } from '../../../src/methods/layerwise/choose.ts'
import { type LayerProblem, outputError } from '../../../src/methods/layerwise/problem.ts'
import { sparseGpt } from '../../../src/methods/layerwise/sparsegpt.ts'
import { UserError } from '../../../src/util/errors.ts'
import { best } from '../../support/engines.ts'
import { magnitude, ones, randomProblem, solve } from './problems.ts'

/**
 * The algorithm from its definition: before column i, the inverse of H over the columns from i on, by
 * elimination; masks of a block from those of its columns; a pruned weight is compensated by Optimal Brain
 * Surgeon over the columns from i on.
 */
function literally({ rows, columns: n, weights, hessian }: LayerProblem, target: Target, block: number) {
  const w = Array.from({ length: rows }, (_, r) => [...weights.subarray(r * n, (r + 1) * n)])
  const mask = w.map((row) => row.map(() => 1))
  const tail = (i: number) =>
    Array.from({ length: n - i }, (_, k) => [...hessian.subarray((i + k) * n + i, (i + k + 1) * n)])
  /** First column of the inverse of H over columns i and later. */
  const firstColumn = Array.from({ length: n }, (_, i) =>
    solve(
      tail(i),
      tail(i).map((_, k) => (k === 0 ? 1 : 0)),
    ),
  )
  const pruneWorst = (places: [row: number, column: number][], keep: number) => {
    const cost = ([r, i]: [number, number]) => w[r][i] ** 2 / firstColumn[i][0]
    for (const [r, i] of places.sort((a, b) => cost(b) - cost(a)).slice(keep)) mask[r][i] = 0
  }
  const grid = (r0: number, r1: number, i0: number, i1: number) =>
    Array.from({ length: (r1 - r0) * (i1 - i0) }, (_, k): [number, number] => [
      r0 + Math.floor(k / (i1 - i0)),
      i0 + (k % (i1 - i0)),
    ])
  for (let i = 0; i < n; i++) {
    if ('keep' in target && i % block === 0)
      pruneWorst(grid(0, rows, i, Math.min(i + block, n)), (target.keep * Math.min(block, n - i)) / n)
    for (let r = 0; r < rows; r++) {
      if ('pattern' in target && i % target.pattern.m === 0)
        pruneWorst(grid(r, r + 1, i, Math.min(i + target.pattern.m, n)), target.pattern.n)
      if (mask[r][i]) continue
      const change = w[r][i] / firstColumn[i][0]
      for (let j = i; j < n; j++) w[r][j] -= change * firstColumn[i][j - i]
      w[r][i] = 0
    }
  }
  return { weights: w.flat(), mask: mask.flat() }
}

describe.each([0, 1, 2])('as defined, seed %d', (seed) => {
  const problem = randomProblem(6, 12, seed)
  it.each([
    ['one column per block', { keep: 24 }, 1],
    ['blocks of 4', { keep: 30 }, 4],
    ['one block', { keep: 31 }, 128],
    ['2:4', { pattern: { n: 2, m: 4 } }, 128],
    ['1:3 across blocks', { pattern: { n: 1, m: 3 } }, 4],
    ['2:5 with a rest of 2', { pattern: { n: 2, m: 5 } }, 128],
  ] as const)('%s', (_, target, block) => {
    const { weights, mask } = sparseGpt(problem, target, best, block)
    const expected = literally(problem, target, block)
    expect([...mask]).toEqual(expected.mask)
    weights.forEach((w, i) => {
      expect(w).toBeCloseTo(expected.weights[i], 9)
    })
  })
})

it.each([0, 1, 50, 133, 299, 300])('keeps exactly %d of 300 weights, spread over blocks', (keep) => {
  const { weights, mask } = sparseGpt(randomProblem(10, 30), { keep }, best, 8)
  expect(ones(mask)).toBe(keep)
  expect(weights.every((w, i) => (w !== 0) === (mask[i] === 1))).toBe(true)
  // Blocks of 8, 8, 8 and 6 columns.
  const perBlock = [0, 0, 0, 0]
  mask.forEach((bit, i) => {
    perBlock[Math.floor((i % 30) / 8)] += bit
  })
  perBlock.forEach((count, b) => {
    expect(Math.abs(count - (keep * [8, 8, 8, 6][b]) / 30)).toBeLessThan(1)
  })
})

it.each([
  { n: 2, m: 4 },
  { n: 1, m: 4 },
  { n: 4, m: 8 },
  { n: 3, m: 3 },
])('$n of every $m consecutive weights stay', ({ n, m }) => {
  const columns = 2 * m + 2
  const { mask } = sparseGpt(randomProblem(5, columns), { pattern: { n, m } }, best)
  for (let row = 0; row < 5; row++)
    for (let i = 0; i < columns; i += m) {
      const group = mask.subarray(row * columns + i, row * columns + Math.min(i + m, columns))
      expect(ones(group)).toBe(Math.min(n, group.length))
    }
})

it('weights that are zero stay zero, and what the sweep would give them goes on to others', () => {
  const problem = randomProblem(4, 12)
  const zeros = [5, 6, 7, 20, 47]
  for (const i of zeros) problem.weights[i] = 0
  for (const target of [{ keep: 20 }, { keep: 48 }, { pattern: { n: 2, m: 4 } }] satisfies Target[]) {
    const { weights, mask } = sparseGpt(problem, target, best, 4)
    for (const i of zeros) expect([weights[i], mask[i]]).toEqual([0, 0])
    if (target.keep) expect(ones(mask)).toBe(Math.min(target.keep, 43))
  }
  // Row 0, columns 4 to 7: one weight is left, and the pattern allows two.
  expect([...sparseGpt(problem, { pattern: { n: 2, m: 4 } }, best).mask.subarray(4, 8)]).toEqual([1, 0, 0, 0])
})

it.each([0.3, 0.6, 0.9])('at sparsity %d the error is less than that of magnitude pruning', (sparsity) => {
  const problem = randomProblem(16, 40)
  const keep = Math.round((1 - sparsity) * 640)
  const { weights, mask } = sparseGpt(problem, { keep }, best)
  expect(ones(mask)).toBe(keep)
  expect(outputError(best, problem, weights)).toBeLessThan(0.8 * outputError(best, problem, magnitude(problem, keep)))
})

it('keeping all changes nothing, and the problem is left as it was', () => {
  const problem = randomProblem(3, 7)
  const before = { ...problem, weights: problem.weights.slice(), hessian: problem.hessian.slice() }
  expect(sparseGpt(problem, { keep: 21 }, best).weights).toEqual(problem.weights)
  sparseGpt(problem, { keep: 5 }, best)
  expect(problem).toEqual(before)
})

it('a Hessian that is not positive definite is refused by name', () => {
  const problem = randomProblem(2, 5)
  problem.hessian.fill(1)
  expect(() => sparseGpt(problem, { keep: 3 }, best)).toThrow(UserError)
  expect(() => sparseGpt(problem, { keep: 3 }, best)).toThrow(/^random: a matrix of order 5 is not positive definite/)
})
