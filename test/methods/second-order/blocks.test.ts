/**
 * @file Blocks that are less than a tensor: runs of weights, active weights, and inverses formed directly,
 * against dense ones, entry by entry.
 */
import { expect, it } from 'vitest'
import { ActiveBlock } from '../../../src/methods/second-order/fisher/active-block.ts'
import { ActiveInverse } from '../../../src/methods/second-order/fisher/active-inverse.ts'
import { blockInverse, DirectInverse } from '../../../src/methods/second-order/fisher/direct-inverse.ts'
import { DampedInverse } from '../../../src/methods/second-order/fisher/inverse.ts'
import { blockParts, valuesOf } from '../../../src/methods/second-order/fisher/parts.ts'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { UserError } from '../../../src/util/errors.ts'
import { columnsCase, flat, randomMasks, worstError } from '../../support/columns-case.ts'
import { type Dense, dampedFisher, inverseDense, solutionError, termSizes, timesVector } from '../../support/dense.ts'
import { best } from '../../support/engines.ts'

const diagonalOf = (a: Dense) => a.map((row, q) => row[q])

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

it.each([
  [17, 1e-3],
  [40, 1e-5],
  [300, 1],
])('formed directly, the inverse equals the dense one: %i samples, damping %f', (samples, lambda) => {
  const c = columnsCase(best, samples, samples)
  const tensors = [c.rankOne, c.stored]
  const a = inverseDense(dampedFisher(c.g, lambda))
  const error = solutionError(c.g, lambda)
  c.space.scoped(() => {
    const inverse = blockInverse(c.space, { samples, tensors }, lambda)
    expect(inverse).toBeInstanceOf(DirectInverse)
    expect(inverse.size).toBe(17)
    expect(inverse.residual).toBeLessThan(error)
    const w = flat(c.weights)
    expect(worstError(flat(inverse.apply(c.weights)), timesVector(a, w), termSizes(a, w))).toBeLessThan(error)
    const done: number[] = []
    const diagonal = flat(inverse.diagonal((n) => done.push(n)))
    expect(done.at(-1)).toBe(17)
    expect(worstError(diagonal, diagonalOf(a))).toBeLessThan(error)
  })
  c.stored.put(3, 1, new Float32Array(5).fill(Number.NaN))
  expect(() => blockInverse(c.space, { samples, tensors }, lambda)).toThrow(UserError)
})

it('more weights than samples take the form of the order of the samples, be they active', () => {
  const c = columnsCase(best, 4, 16)
  c.space.scoped(() => {
    const block = { samples: 16, tensors: [c.copy, c.stored] }
    expect(blockInverse(c.space, block, 1)).toBeInstanceOf(DampedInverse)
    const masks = c.weights.map(({ length }) => new Uint8Array(length).fill(1))
    masks[0][7] = 0
    const active = new ActiveBlock(block, masks)
    expect(active.size).toBe(16)
    expect(active.tensors[1]).toBe(c.stored)
    expect(blockInverse(c.space, active, 1)).toBeInstanceOf(DirectInverse)
  })
})

// Of 29 weights: all orders of samples, active and all weights; rows of the layer that are multiplied as they
// are, gathered, and taken off the whole.
for (const samples of [1, 6, 20, 60])
  for (const lambda of [1e-5, 1e-2])
    it.each([0, 0.1, 0.4, 0.8, 1])(
      `active weights alone: ${samples} samples, damping ${lambda}, %f active`,
      (share) => {
        const c = columnsCase(best, samples, samples, 2, 12)
        const masks = randomMasks(samples, [24, 5], share)
        const kept = flat(masks)
        const g = c.g.map((row) => row.filter((_, q) => kept[q]))
        const a = inverseDense(dampedFisher(g, lambda))
        const places = [...kept.keys()].filter((q) => kept[q])
        const error = solutionError(g, lambda)
        const expectScattered = (got: Float64Array[], want: number[], scales?: number[]) => {
          expect(got.map(({ length }) => length)).toEqual([24, 5])
          const all = flat(got)
          expect(all.filter((x, q) => !kept[q] && x !== 0)).toEqual([])
          const some = places.map((q) => all[q])
          expect(worstError(some, want, scales)).toBeLessThanOrEqual(error)
        }
        c.space.scoped(() => {
          const inverse = new ActiveInverse(c.space, { samples, tensors: [c.rankOne, c.stored] }, lambda, masks)
          expect(inverse.size).toBe(29)
          expect(inverse.residual).toBeLessThan(error)
          const done: number[] = []
          expectScattered(
            inverse.diagonal((n) => done.push(n)),
            diagonalOf(a),
          )
          expect(done.at(-1)).toBe(29)
          expect(done.every(Number.isInteger)).toBe(true)
          // Values at weights that are not active are left out.
          const u = places.map((q) => flat(c.weights)[q])
          expectScattered(inverse.apply(c.weights), timesVector(a, u), termSizes(a, u))
        })
      },
    )

it.each([8, 60])('blocks within a tensor are the blocks of the matrix, %i samples', (samples) => {
  const lambda = 1e-2
  const c = columnsCase(best, 6, samples)
  const [w] = c.weights
  const [mask] = randomMasks(2, [12], 0.5)
  for (const { first, size } of blockParts([12], 5).flat())
    for (const [whole, gradients] of [
      [c.rankOne, c.g],
      [c.copy, c.rounded],
    ] as const) {
      const g = gradients.map((row) => row.subarray(first, first + size))
      const h = dampedFisher(g, lambda)
      const a = inverseDense(h)
      const error = solutionError(g, lambda)
      const own = <T extends Float64Array | Uint8Array>(x: T) => x.subarray(first, first + size) as T
      const weights = Int32Array.from({ length: size }, (_, i) => first + i)
      const block = { samples, tensors: [whole.subset(weights, 'run')] }
      c.space.scoped(() => {
        const inverse = blockInverse(c.space, block, lambda)
        expect(worstError(flat(inverse.diagonal()), diagonalOf(a))).toBeLessThan(error)
        const applied = flat(inverse.apply([own(w)]))
        expect(worstError(applied, timesVector(a, own(w)), termSizes(a, own(w)))).toBeLessThan(error)
      })
      // CBS-U: the kept weights solve H_RR delta_R = H_RP w_P.
      const kept = [...own(mask).keys()].filter((q) => own(mask)[q])
      const right = kept.map((q) => h[q].reduce((sum, x, p) => sum + (own(mask)[p] ? 0 : x * own(w)[p]), 0))
      const system = inverseDense(kept.map((q) => kept.map((p) => h[q][p])))
      const [{ compensation }] = c.space.scoped(() =>
        systematicUpdates(c.space, block, [own(w)], [own(mask)], [lambda]),
      )
      const change = kept.map((q) => compensation[0][q])
      expect(worstError(change, timesVector(system, right), termSizes(system, right))).toBeLessThan(error)
    }
})
