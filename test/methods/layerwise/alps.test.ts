import { describe, expect, it } from 'vitest'
import { alps } from '../../../src/methods/layerwise/alps.ts'
import { chosenBy, masked } from '../../../src/methods/layerwise/choose.ts'
import { outputError } from '../../../src/methods/layerwise/problem.ts'
import { sparseGpt } from '../../../src/methods/layerwise/sparsegpt.ts'
import { best } from '../../support/engines.ts'
import { constrained, randomProblem } from './problems.ts'

const countOf = (mask: Float64Array) => mask.reduce((sum, bit) => sum + bit, 0)

describe('ALPS', () => {
  it.each([0, 1, 2])('keeps exactly as many as asked, at the least error for its support, seed %d', (seed) => {
    const problem = randomProblem(4, 8, seed)
    const { weights, mask } = alps(problem, { keep: 13 }, best)
    expect(countOf(mask)).toBe(13)
    // Conjugate gradients in eight dimensions end at the minimum in ten steps: that of Lagrange multipliers.
    for (let row = 0; row < 4; row++) {
      const pruned = Array.from({ length: 8 }, (_, i) => i).filter((i) => mask[row * 8 + i] === 0)
      const { v } = constrained(problem, row, pruned)
      v.forEach((value, i) => {
        expect(weights[row * 8 + i]).toBeCloseTo(value, 6)
      })
    }
  })

  it.each([
    ['half', 0.5],
    ['80 %', 0.8],
    ['95 %', 0.95],
  ])('its error is below that of SparseGPT and of magnitudes, %s zeros', (_, sparsity) => {
    let ratio = 0
    for (let seed = 0; seed < 5; seed++) {
      const problem = randomProblem(12, 40, seed)
      const keep = Math.round((1 - sparsity) * 480)
      const found = outputError(best, problem, alps(problem, { keep }, best).weights)
      ratio += found / outputError(best, problem, sparseGpt(problem, { keep }, best).weights) / 5
      const magnitudes = chosenBy(problem.weights.map(Math.abs), problem, { keep }, 'matrix')
      expect(found).toBeLessThan(outputError(best, problem, masked(problem.weights, magnitudes)))
    }
    expect(ratio).toBeLessThan(1)
  })

  it('a support of few weights is the best of all, by brute force', () => {
    const problem = randomProblem(1, 6, 4)
    const { weights } = alps(problem, { keep: 3 }, best)
    let least = Number.POSITIVE_INFINITY
    for (let bits = 0; bits < 64; bits++) {
      const pruned = Array.from({ length: 6 }, (_, i) => i).filter((i) => (bits >> i) & 1)
      if (pruned.length === 3) least = Math.min(least, constrained(problem, 0, pruned).loss / 2)
    }
    expect(outputError(best, problem, weights)).toBeLessThan(1.3 * least)
  })

  it('keeping all changes nothing; a pattern holds; zeros stay zeros', () => {
    const problem = randomProblem(3, 8)
    expect([...alps(problem, { keep: 24 }, best).weights]).toEqual([...problem.weights])
    const { mask } = alps(problem, { pattern: { n: 2, m: 4 } }, best)
    for (let at = 0; at < 24; at += 4) expect(countOf(mask.slice(at, at + 4))).toBe(2)
    const holes = problem.weights.map((w, i) => (i % 3 ? w : 0))
    const result = alps({ ...problem, weights: holes }, { keep: 20 }, best)
    holes.forEach((w, i) => {
      if (w === 0) expect(result.weights[i]).toBe(0)
    })
  })
})
