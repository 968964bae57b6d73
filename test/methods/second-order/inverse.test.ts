import { describe, expect, it } from 'vitest'
import type { GramColumns } from '../../../src/methods/second-order/fisher/columns.ts'
import { DampedInverse } from '../../../src/methods/second-order/fisher/inverse.ts'
import { woodfisherSaliency, woodfisherUpdate } from '../../../src/methods/second-order/woodfisher/formulas.ts'
import { UserError } from '../../../src/util/errors.ts'
import { type ColumnsCase, columnsCase, distance, flat, randomMasks } from '../../support/columns-case.ts'
import { dampedFisher, inverseDense, timesVector } from '../../support/dense.ts'
import { best } from '../../support/engines.ts'

/**
 * Which columns stand for the first tensor: rank-one ones take the explicit inverse, stored ones a solution
 * each.
 */
const kinds: Record<string, (c: ColumnsCase) => GramColumns[]> = {
  'rank one and stored': ({ rankOne, stored }) => [rankOne, stored],
  'all stored': ({ copy, stored }) => [copy, stored],
}

describe.each(Object.entries(kinds))('%s', (_, tensorsOf) => {
  it.each([
    [1, 1e-1],
    [6, 1e-3],
    [40, 1e-5],
    [300, 1],
  ])('equals the dense inverse: %i samples, damping %f', (samples, lambda) => {
    const c = columnsCase(best, samples, samples)
    const sizes = c.weights.map(({ length }) => length)
    for (const active of [undefined, ...[0.2, 0.7].map((share) => randomMasks(samples, sizes, share))]) {
      const keep = active && flat(active)
      const g = c.g.map((row) => row.map((x, q) => (keep?.[q] === 0 ? 0 : x)))
      const a = inverseDense(dampedFisher(g, lambda))
      c.space.scoped(() => {
        const inverse = new DampedInverse(c.space, { samples, tensors: tensorsOf(c) }, lambda, active)
        expect(inverse.size).toBe(17)
        expect(inverse.residual).toBeLessThan(1e-6)
        const applied = () => flat(inverse.apply(c.weights))
        // The product and the diagonal are of active weights: the others' columns are not masked there.
        const used = (values: number[]) => values.filter((_, q) => keep?.[q] !== 0)
        const u = c.weights.map((w, t) => w.map((x, q) => (active?.[t][q] === 0 ? 0 : x)))
        const want = timesVector(a, flat(u))
        expect(distance(used(flat(inverse.apply(u))), used(want))).toBeLessThan(1e-5)
        const before = applied()
        expect(distance(used(flat(inverse.diagonal())), used(a.map((row, q) => row[q])))).toBeLessThan(1e-5)
        // After the diagonal, products may come from the explicit inverse.
        expect(distance(applied(), before)).toBeLessThan(1e-6)
      })
    }
  })

  it('blocks of one tensor each are the blocks of the matrix; one block is all of it', () => {
    const [samples, lambda] = [20, 1e-2]
    const c = columnsCase(best, 3, samples)
    const tensors = tensorsOf(c)
    const parts = [c.g.map((row) => row.subarray(0, 12)), c.g.map((row) => row.subarray(12))]
    const blocked = tensors.map((tensor, t) => {
      const inverse = c.space.scoped(() =>
        flat(new DampedInverse(c.space, { samples, tensors: [tensor] }, lambda).apply([c.weights[t]])),
      )
      expect(distance(inverse, timesVector(inverseDense(dampedFisher(parts[t], lambda)), c.weights[t]))).toBeLessThan(
        1e-6,
      )
      return inverse
    })
    const full = c.space.scoped(() => flat(new DampedInverse(c.space, { samples, tensors }, lambda).apply(c.weights)))
    expect(distance(full, timesVector(inverseDense(dampedFisher(c.g, lambda)), flat(c.weights)))).toBeLessThan(1e-6)
    expect(distance(flat(blocked), full)).toBeGreaterThan(1e-3)
  })

  it('WoodFisher: the update is the sum of the steps of single weights, -A u', () => {
    const [samples, lambda] = [15, 1e-2]
    const c = columnsCase(best, 4, samples)
    const a = inverseDense(dampedFisher(c.g, lambda))
    const w = flat(c.weights)
    const pruned = randomMasks(4, [12, 5], 0.4)
    const which = flat(pruned)
    const sum = w.map(() => 0)
    for (const [q, gone] of which.entries())
      if (gone) {
        // OBS: delta = -(w_q / A_qq) A e_q sets weight q to zero.
        const step = a.map((row) => (-w[q] / a[q][q]) * row[q])
        expect(w[q] + step[q]).toBeCloseTo(0, 12)
        for (let i = 0; i < sum.length; i++) sum[i] += step[i]
      }
    expect(which).toContain(1)
    c.space.scoped(() => {
      const inverse = new DampedInverse(c.space, { samples, tensors: tensorsOf(c) }, lambda)
      const diagonals = inverse.diagonal()
      expect(distance(flat(woodfisherUpdate(inverse, c.weights, diagonals, pruned)), sum)).toBeLessThan(1e-5)
      const saliencies = diagonals.map((diagonal, t) => woodfisherSaliency(c.weights[t], diagonal))
      const want = w.map((x, q) => x ** 2 / a[q][q])
      expect(distance(flat(saliencies), want)).toBeLessThan(1e-5)
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
