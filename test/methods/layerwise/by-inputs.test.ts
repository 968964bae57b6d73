import { describe, expect, it } from 'vitest'
import type { LayerProblem } from '../../../src/methods/layerwise/problem.ts'
import { ria, riaScores } from '../../../src/methods/layerwise/ria.ts'
import { wanda, wandaScores } from '../../../src/methods/layerwise/wanda.ts'
import { randomProblem } from './problems.ts'

/** Inputs with norms 1, 2 and 4 (of 2 X X', damped by 0.5). */
const problem: LayerProblem = {
  name: 'by hand',
  rows: 2,
  columns: 3,
  weights: Float64Array.of(4, -3, 1, 1, 1, -2),
  hessian: Float64Array.of(1.5, 0, 0.3, 0, 4.5, 0, 0.3, 0, 16.5),
  damping: 0.5,
}

describe('Wanda', () => {
  it('by hand: |w| times the norm of the input, within each output, and nothing else changes', () => {
    expect([...wandaScores(problem)]).toEqual([4, 6, 4, 1, 2, 8])
    // Of each row two of three; ties go to the lower column.
    const { weights, mask } = wanda(problem, { keep: 4 })
    expect([...mask]).toEqual([1, 1, 0, 0, 1, 1])
    expect([...weights]).toEqual([4, -3, 0, 0, 1, -2])
  })

  it('rows keep equal shares, and what one lacks goes to others', () => {
    const weights = Float64Array.of(0, -3, 0, 1, 1, -2)
    const { mask } = wanda({ ...problem, weights }, { keep: 4 })
    expect([...mask]).toEqual([0, 1, 0, 1, 1, 1])
  })

  it('a pattern holds in every row, also in a shorter last group', () => {
    const { mask } = wanda(randomProblem(5, 10), { pattern: { n: 1, m: 4 } })
    for (let row = 0; row < 50; row += 10)
      expect(
        [mask.slice(row, row + 4), mask.slice(row + 4, row + 8), mask.slice(row + 8, row + 10)].map(countOf),
      ).toEqual([1, 1, 1])
  })
})

const countOf = (mask: Float64Array) => mask.reduce((sum, bit) => sum + bit, 0)

describe('RIA', () => {
  it('by hand: shares in the input and in the output, times the root of the norm, within the layer', () => {
    const scores = riaScores(problem)
    const expected = [
      [4 / 5 + 4 / 8, 3 / 4 + 3 / 8, 1 / 3 + 1 / 8],
      [1 / 5 + 1 / 4, 1 / 4 + 1 / 4, 2 / 3 + 2 / 4],
    ].flatMap((row) => row.map((share, j) => share * [1, 2, 4][j] ** 0.5))
    scores.forEach((score, i) => {
      expect(score).toBeCloseTo(expected[i], 12)
    })
    // The largest are those of places 5, 1, 0 and 2.
    expect([...ria(problem, { keep: 4 }).mask]).toEqual([1, 1, 1, 0, 0, 1])
    expect([...ria(problem, { keep: 4 }).weights]).toEqual([4, -3, 1, 0, 0, -2])
  })

  it('with an exponent of 0 inputs do not matter', () => {
    const other = { ...problem, hessian: problem.hessian.map((x) => 3 * x) }
    expect([...riaScores(problem, 0)]).toEqual([...riaScores(other, 0)])
  })

  it('what is zero stays so, also where a whole input or output is', () => {
    const weights = Float64Array.of(0, 0, 0, 1, 0, -2)
    const { mask } = ria({ ...problem, weights }, { keep: 5 })
    expect([...mask]).toEqual([0, 0, 0, 1, 0, 1])
  })
})
