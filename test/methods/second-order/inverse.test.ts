/**
 * @file The damped inverse with the matrix of the order of the samples, against dense inverses of the same
 * gradients, entry by entry.
 */
import { describe, expect, it } from 'vitest'
import type { GramColumns } from '../../../src/methods/second-order/fisher/columns.ts'
import { DampedInverse } from '../../../src/methods/second-order/fisher/inverse.ts'
import { woodfisherSaliency, woodfisherUpdate } from '../../../src/methods/second-order/woodfisher/formulas.ts'
import { UserError } from '../../../src/util/errors.ts'
import { type ColumnsCase, columnsCase, flat, randomMasks, worstError } from '../../support/columns-case.ts'
import { dampedFisher, inverseDense, solutionError, termSizes, timesVector } from '../../support/dense.ts'
import { best } from '../../support/engines.ts'

interface Kind {
  tensors: (c: ColumnsCase) => GramColumns[]
  gradients: (c: ColumnsCase) => Float64Array[]
}

/** Which columns stand for the first tensor. */
const kinds: Record<string, Kind> = {
  'rank one and stored': { tensors: ({ rankOne, stored }) => [rankOne, stored], gradients: ({ g }) => g },
  'all stored': { tensors: ({ copy, stored }) => [copy, stored], gradients: ({ rounded }) => rounded },
}

describe.each(Object.entries(kinds))('%s', (_, { tensors: tensorsOf, gradients }) => {
  // Many rank-one columns take the explicit inverse, few of them and stored ones a solution each.
  it.each([
    [1, 1e-1, 4],
    [6, 1e-3, 4],
    [40, 1e-5, 4],
    [300, 1, 4],
    [1, 1e-3, 60],
    [20, 1e-5, 60],
    [50, 1e-2, 60],
  ])('equals the dense inverse: %i samples, damping %f, a layer 3 x %i', (samples, lambda, q) => {
    const c = columnsCase(best, samples, samples, 3, q)
    const g = gradients(c)
    const fisher = dampedFisher(g, lambda)
    const a = inverseDense(fisher)
    const error = solutionError(g, lambda)
    c.space.scoped(() => {
      const tensors = tensorsOf(c)
      const inverse = new DampedInverse(c.space, { samples, tensors }, lambda)
      expect(inverse.size).toBe(3 * q + 5)
      expect(inverse.residual).toBeLessThan(error)
      const w = flat(c.weights)
      const applied = () => flat(inverse.apply(c.weights))
      const [want, sizes] = [timesVector(a, w), termSizes(a, w)]
      expect(worstError(applied(), want, sizes)).toBeLessThan(error)
      const [diagonal, got] = [a.map((row, i) => row[i]), flat(inverse.diagonal())]
      const solved = tensors[0].quadraticForms && q === 60 ? 3 * q : 0
      expect(worstError(got.slice(solved), diagonal.slice(solved))).toBeLessThan(error)
      // From the explicit inverse, 1 - form has the roundings of a form whose terms are F_qq / lambda.
      const scales = fisher.map((row, i) => row[i] / lambda ** 2)
      expect(worstError(got, diagonal, scales)).toBeLessThan(8 * Number.EPSILON)
      // After the diagonal, products may come from the explicit inverse.
      expect(worstError(applied(), want, sizes)).toBeLessThan(error)
    })
  })

  it('blocks of one tensor each are the blocks of the matrix; one block is all of it', () => {
    const [samples, lambda] = [20, 1e-2]
    const c = columnsCase(best, 3, samples)
    const tensors = tensorsOf(c)
    const g = gradients(c)
    const error = solutionError(g, lambda)
    const apply = (some: GramColumns[], u: Float64Array[]) =>
      c.space.scoped(() => flat(new DampedInverse(c.space, { samples, tensors: some }, lambda).apply(u)))
    const expectApplied = (got: number[], rows: Float64Array[], u: ArrayLike<number>) => {
      const a = inverseDense(dampedFisher(rows, lambda))
      expect(worstError(got, timesVector(a, u), termSizes(a, u))).toBeLessThan(error)
    }
    const blocked = tensors.map((tensor, t) => {
      const rows = g.map((row) => (t === 0 ? row.subarray(0, 12) : row.subarray(12)))
      const got = apply([tensor], [c.weights[t]])
      expectApplied(got, rows, c.weights[t])
      return got
    })
    const full = apply(tensors, c.weights)
    expectApplied(full, g, flat(c.weights))
    expect(worstError(flat(blocked), full)).toBeGreaterThan(1e-3)
  })

  it('WoodFisher: the update is the sum of the steps of single weights, -A u', () => {
    const [samples, lambda] = [15, 1e-2]
    const c = columnsCase(best, 4, samples)
    const g = gradients(c)
    const a = inverseDense(dampedFisher(g, lambda))
    const w = flat(c.weights)
    const pruned = randomMasks(4, [12, 5], 0.4)
    const which = flat(pruned)
    const [sum, scales] = [w.map(() => 0), w.map(() => 0)]
    for (const [q, gone] of which.entries())
      if (gone) {
        // OBS: delta = -(w_q / A_qq) A e_q sets weight q to zero.
        const step = a.map((row) => (-w[q] / a[q][q]) * row[q])
        expect(w[q] + step[q]).toBeCloseTo(0, 12)
        for (let i = 0; i < sum.length; i++) {
          sum[i] += step[i]
          scales[i] += Math.abs(step[i])
        }
      }
    expect(which).toContain(1)
    c.space.scoped(() => {
      const inverse = new DampedInverse(c.space, { samples, tensors: tensorsOf(c) }, lambda)
      const diagonals = inverse.diagonal()
      const error = solutionError(g, lambda)
      const update = woodfisherUpdate(inverse, c.weights, diagonals, pruned)
      expect(worstError(flat(update), sum, scales)).toBeLessThan(error)
      const saliencies = diagonals.map((diagonal, t) => woodfisherSaliency(c.weights[t], diagonal))
      const want = w.map((x, q) => x ** 2 / (a[q][q] + 1e-10) + 1e-10)
      expect(worstError(flat(saliencies), want)).toBeLessThan(error)
    })
  })
})

it('refuses a singular or not finite system in a sentence', () => {
  const c = columnsCase(best, 1, 40)
  const block = { samples: 40, tensors: [c.copy, c.stored] }
  const make = (lambda: number) => () => c.space.scoped(() => new DampedInverse(c.space, block, lambda))
  expect(make(-1)).toThrow(UserError)
  expect(make(-1)).toThrow(/Fisher matrix of copy, stored cannot be inverted .* damping/)
  c.stored.put(3, 1, new Float32Array(5).fill(Number.NaN))
  expect(make(1)).toThrow(/a gradient not finite\?$/)
})
