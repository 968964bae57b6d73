import { describe, expect, it } from 'vitest'
import { inverseOf, inverseRoom } from '../../../src/linear/inverse.ts'
import { Workspace } from '../../../src/linear/workspace.ts'
import { obc, obcTraces, reconstruct } from '../../../src/methods/layerwise/obc.ts'
import { outputError } from '../../../src/methods/layerwise/problem.ts'
import { UserError } from '../../../src/util/errors.ts'
import { best } from '../../support/engines.ts'
import { constrained, magnitude, ones, randomProblem } from './problems.ts'

describe.each([0, 1, 2, 3])('rows of 9 weights, seed %d', (seed) => {
  const problem = randomProblem(3, 9, seed)
  const { rows, columns } = problem
  const { order, losses } = obcTraces(problem, best)
  const orderOf = (row: number, steps: number) => [...order.subarray(row * columns, row * columns + steps)]

  it('every step takes the weight that least squares on the rest can best do without', () => {
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < columns; k++) {
        const before = orderOf(row, k)
        const left = [...Array(columns).keys()].filter((i) => !before.includes(i))
        const costs = left.map((p) => constrained(problem, row, [...before, p]).loss)
        const least = Math.min(...costs)
        expect(order[row * columns + k]).toBe(left[costs.indexOf(least)])
        const added = least - (k ? constrained(problem, row, before).loss : 0)
        expect(losses[row * columns + k] / added).toBeCloseTo(1, 8)
      }
  })

  it('the weights after any number of steps are those of constrained least squares', () => {
    for (let k = 0; k <= columns; k++) {
      const { weights, mask } = reconstruct(problem, order, [k, k, k], best)
      for (let row = 0; row < rows; row++) {
        const { v } = constrained(problem, row, orderOf(row, k))
        v.forEach((value, i) => {
          expect(weights[row * columns + i]).toBeCloseTo(value, 9)
          expect(mask[row * columns + i]).toBe(orderOf(row, k).includes(i) ? 0 : 1)
        })
      }
    }
  })

  it('the losses add up to twice the error', () => {
    const counts = [2, 5, 8]
    const { weights } = reconstruct(problem, order, counts, best)
    const sum = counts.reduce((total, count, row) => {
      return total + losses.subarray(row * columns, row * columns + count).reduce((a, b) => a + b)
    }, 0)
    expect((2 * outputError(best, problem, weights)) / sum).toBeCloseTo(1, 9)
  })
})

/** The steps of a row by downdates of its inverse, one after another. */
function downdated(inverse: Float64Array, weights: Float64Array) {
  const n = weights.length
  const [h, w] = [inverse.slice(), weights.slice()]
  const left = new Set(w.keys())
  return Array.from(w, () => {
    const cost = (p: number) => w[p] ** 2 / h[p * n + p]
    const p = [...left].reduce((best, i) => (cost(i) < cost(best) ? i : best))
    const step = { p, loss: cost(p) }
    const column = Float64Array.from({ length: n }, (_, i) => h[i * n + p])
    const change = w[p]
    for (const i of left) {
      w[i] -= (column[i] / column[p]) * change
      for (const j of left) h[i * n + j] -= (column[i] * column[j]) / column[p]
    }
    left.delete(p)
    return step
  })
}

it.each([32, 33, 65, 100])('rows of %i weights, over several panels: the steps of single downdates', (columns) => {
  const problem = randomProblem(3, columns, columns)
  const { order, losses } = obcTraces(problem, best)
  const space = new Workspace(best, 2 * inverseRoom(columns))
  const inverse = Float64Array.from(space.values(inverseOf(space, problem.hessian, columns)))
  for (let row = 0; row < 3; row++) {
    const [from, to] = [row * columns, (row + 1) * columns]
    const steps = downdated(inverse, problem.weights.slice(from, to))
    expect([...order.subarray(from, to)]).toEqual(steps.map(({ p }) => p))
    steps.forEach(({ loss }, k) => {
      expect(losses[from + k] / loss).toBeCloseTo(1, 8)
    })
  }
})

it('inputs that are not correlated: the smallest |w| |x| go, and the others stay as they are', () => {
  const scales = [1, 3, 2]
  const hessian = Float64Array.from({ length: 9 }, (_, at) => (at % 4 === 0 ? scales[at / 4] ** 2 : 0))
  const problem = { name: 'diagonal', rows: 2, columns: 3, weights: Float64Array.of(5, 2, -1, -4, 1, 3), hessian }
  // |w| |x|: 5, 6, 2 and 4, 3, 6.
  const [{ weights, mask }] = obc([problem], 3, best)
  expect([...weights]).toEqual([5, 2, 0, 0, 0, 3])
  expect([...mask]).toEqual([1, 1, 0, 0, 0, 1])
})

it('weights that cost the same go in the order of their columns', () => {
  const hessian = Float64Array.from({ length: 36 }, (_, at) => (at % 7 === 0 ? 2 : 0))
  const problem = { name: 'equal', rows: 1, columns: 6, weights: Float64Array.of(1, -1, 0, 1, 1, -1), hessian }
  expect([...obcTraces(problem, best).order]).toEqual([2, 0, 1, 3, 4, 5])
})

it.each([0, 1, 17, 60, 61, 100])('problems pruned together keep exactly %d weights', (keep) => {
  const problems = [randomProblem(4, 10, 1), randomProblem(2, 15, 2), randomProblem(5, 6, 3)]
  const kept = obc(problems, keep, best).reduce((sum, { mask }) => sum + ones(mask), 0)
  expect(kept).toBe(keep)
})

it('no other split of the pruned weights between two rows has a lower error', () => {
  // The greedy merge is sure to be best only where losses rise from step to step.
  const rising = (losses: Float64Array) => losses.every((loss, i) => i % 6 === 0 || loss > losses[i - 1])
  const problems = Array.from({ length: 200 }, (_, seed) => randomProblem(2, 6, seed)).filter((problem) =>
    rising(obcTraces(problem, best).losses),
  )
  expect(problems.length).toBeGreaterThan(5)
  for (const problem of problems) {
    const { order } = obcTraces(problem, best)
    const least = outputError(best, problem, obc([problem], 5, best)[0].weights)
    for (let first = 1; first <= 6; first++)
      expect(least).toBeLessThan(
        outputError(best, problem, reconstruct(problem, order, [first, 7 - first], best).weights) + 1e-9,
      )
  }
})

it('a problem that is measured in a larger unit loses more weights', () => {
  const [a, b] = [randomProblem(4, 12, 1), randomProblem(4, 12, 2)]
  const kept = (unit: number) => ones(obc([{ ...a, unit }, b], 48, best)[0].mask)
  expect(kept(10)).toBeLessThan(kept(1))
  expect(kept(0.1)).toBeGreaterThan(kept(1))
})

it('weights that are zero stay zero, even where more are to be kept', () => {
  const problem = randomProblem(3, 10)
  const zeros = [0, 3, 4, 11, 25, 29]
  for (const i of zeros) problem.weights[i] = 0
  for (const keep of [10, 24, 30]) {
    const [{ weights, mask }] = obc([problem], keep, best)
    expect(ones(mask)).toBe(Math.min(keep, 24))
    for (const i of zeros) expect([weights[i], mask[i]]).toEqual([0, 0])
  }
})

it.each([0.3, 0.6, 0.9])('at sparsity %d the error is less than half of that of magnitude pruning', (sparsity) => {
  const problem = randomProblem(16, 40)
  const keep = Math.round((1 - sparsity) * 640)
  const [{ weights, mask }] = obc([problem], keep, best)
  expect(ones(mask)).toBe(keep)
  expect(outputError(best, problem, weights)).toBeLessThan(0.5 * outputError(best, problem, magnitude(problem, keep)))
})

it('keeping all changes nothing', () => {
  const problem = randomProblem(3, 7)
  expect(obc([problem], 21, best)[0].weights).toEqual(problem.weights)
})

it('a Hessian that is not positive definite is refused by name', () => {
  const problem = randomProblem(2, 5)
  problem.hessian.fill(1)
  expect(() => obc([problem], 3, best)).toThrow(UserError)
  expect(() => obc([problem], 3, best)).toThrow(/^random: a matrix of order 5 is not positive definite.*larger damp/)
})
