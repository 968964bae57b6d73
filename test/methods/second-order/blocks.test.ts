/**
 * @file Blocks that are less than a tensor: ranges of columns, and inverses formed directly, against dense
 * ones.
 */
import { expect, it } from 'vitest'
import { ColumnRange } from '../../../src/methods/second-order/fisher/column-range.ts'
import { blockInverse, DirectInverse } from '../../../src/methods/second-order/fisher/direct-inverse.ts'
import { DampedInverse } from '../../../src/methods/second-order/fisher/inverse.ts'
import { blockParts, valuesOf } from '../../../src/methods/second-order/fisher/parts.ts'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { UserError } from '../../../src/util/errors.ts'
import { columnsCase, distance, flat, randomMasks } from '../../support/columns-case.ts'
import { dampedFisher, inverseDense, solveDense, timesVector } from '../../support/dense.ts'
import { best } from '../../support/engines.ts'

it('blocks are all tensors, each of them, or runs of weights inside of them', () => {
  const part = (tensor: number, first: number, size: number) => ({ tensor, first, size })
  expect(blockParts([5, 3], 'full')).toEqual([[part(0, 0, 5), part(1, 0, 3)]])
  expect(blockParts([5, 3], 'layer')).toEqual([[part(0, 0, 5)], [part(1, 0, 3)]])
  expect(blockParts([5, 3], 2).flat()).toEqual([
    part(0, 0, 2),
    part(0, 2, 2),
    part(0, 4, 1),
    part(1, 0, 2),
    part(1, 2, 1),
  ])
  expect(blockParts([5, 3], 5)).toEqual(blockParts([5, 3], 'layer'))
  const values = valuesOf([part(1, 1, 2)], [new Float32Array(5), Float32Array.of(1, 2, 3)])
  expect(values).toEqual([Float32Array.of(2, 3)])
})

it('a range of columns does what columns of its own would', () => {
  const samples = 30
  const { space, rankOne, copy } = columnsCase(best, 9, samples)
  const v = Float64Array.from({ length: samples }, (_, i) => Math.sin(i))
  for (const whole of [rankOne, copy]) {
    const range = new ColumnRange(space, whole, 3, 6)
    expect([range.size, range.samples]).toEqual([6, samples])
    const [all, some] = [new Float64Array(whole.size), new Float64Array(6)]
    whole.correlate(v, all)
    range.correlate(v, some)
    expect(distance(some, all.subarray(3, 9))).toBeLessThan(1e-12)
    whole.squares(all)
    range.squares(some)
    expect(distance(some, all.subarray(3, 9))).toBeLessThan(1e-6)
    const x = Float64Array.from({ length: whole.size }, (_, q) => (q >= 3 && q < 9 ? q - 5 : 0))
    const [whole0, range0] = [new Float64Array(samples), new Float64Array(samples)]
    whole.combine(x, whole0)
    range.combine(x.subarray(3, 9), range0)
    expect(distance(range0, whole0)).toBeLessThan(1e-12)
    const active = Uint8Array.from(x, (_, q) => Number(q >= 3 && q < 9 && q !== 4))
    space.scoped(() => {
      const grams = [space.matrix(samples, samples), space.matrix(samples, samples)]
      for (const k of grams) space.values(k).fill(0)
      whole.addGram(grams[0], active)
      range.addGram(grams[1], active.subarray(3, 9))
      expect(distance(space.values(grams[1]), space.values(grams[0]))).toBeLessThan(1e-12)
    })
    expect(() => new ColumnRange(space, whole, 7, 6)).toThrow('inside of its tensor')
  }
})

it.each([
  [17, 1e-3],
  [40, 1e-5],
  [300, 1],
])('formed directly, the inverse equals the dense one: %i samples, damping %f', (samples, lambda) => {
  const c = columnsCase(best, samples, samples)
  const tensors = [c.rankOne, c.stored]
  for (const active of [undefined, randomMasks(samples, [12, 5], 0.6)]) {
    const keep = active && flat(active)
    const g = c.g.map((row) => row.map((x, q) => (keep?.[q] === 0 ? 0 : x)))
    const a = inverseDense(dampedFisher(g, lambda))
    c.space.scoped(() => {
      const inverse = blockInverse(c.space, { samples, tensors }, lambda, active)
      expect(inverse).toBeInstanceOf(DirectInverse)
      expect(inverse.size).toBe(17)
      expect(inverse.residual).toBeLessThan(1e-9)
      expect(distance(flat(inverse.apply(c.weights)), timesVector(a, flat(c.weights)))).toBeLessThan(1e-5)
      const done: number[] = []
      const diagonal = flat(inverse.diagonal((n) => done.push(n)))
      expect(done.at(-1)).toBe(17)
      expect(
        distance(
          diagonal,
          a.map((row, q) => row[q]),
        ),
      ).toBeLessThan(1e-5)
    })
  }
  c.stored.put(3, 1, new Float32Array(5).fill(Number.NaN))
  expect(() => blockInverse(c.space, { samples, tensors }, lambda)).toThrow(UserError)
})

it('more weights than samples take the form of the order of the samples', () => {
  const c = columnsCase(best, 4, 16)
  c.space.scoped(() => {
    const block = { samples: 16, tensors: [c.copy, c.stored] }
    expect(blockInverse(c.space, block, 1)).toBeInstanceOf(DampedInverse)
  })
})

it.each([8, 60])('blocks within a tensor are the blocks of the matrix, %i samples', (samples) => {
  const lambda = 1e-2
  const c = columnsCase(best, 6, samples)
  const [w] = c.weights
  const [mask] = randomMasks(2, [12], 0.5)
  for (const { first, size } of blockParts([12], 5).flat()) {
    const g = c.g.map((row) => row.subarray(first, first + size))
    const h = dampedFisher(g, lambda)
    const a = inverseDense(h)
    const own = <T extends Float64Array | Uint8Array>(x: T) => x.subarray(first, first + size) as T
    for (const whole of [c.rankOne, c.copy]) {
      const block = { samples, tensors: [new ColumnRange(c.space, whole, first, size)] }
      c.space.scoped(() => {
        const inverse = blockInverse(c.space, block, lambda)
        const want = a.map((row, q) => row[q])
        expect(distance(flat(inverse.diagonal()), want)).toBeLessThan(1e-5)
        expect(distance(flat(inverse.apply([own(w)])), timesVector(a, own(w)))).toBeLessThan(1e-5)
      })
      // CBS-U: the kept weights solve H_RR delta_R = H_RP w_P.
      const kept = [...own(mask).keys()].filter((q) => own(mask)[q])
      const right = kept.map((q) => [h[q].reduce((sum, x, p) => sum + (own(mask)[p] ? 0 : x * own(w)[p]), 0)])
      const solution = solveDense(
        kept.map((q) => kept.map((p) => h[q][p])),
        right,
      ).flat()
      const [{ compensation }] = c.space.scoped(() =>
        systematicUpdates(c.space, block, [own(w)], [own(mask)], [lambda]),
      )
      const [change] = compensation
      expect(
        distance(
          kept.map((q) => change[q]),
          solution,
        ),
      ).toBeLessThan(1e-5)
    }
  }
})
