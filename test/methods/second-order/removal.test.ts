import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Effect, Removal } from '../../../src/methods/second-order/brain-surgeon/removal.ts'
import type { FisherBlock } from '../../../src/methods/second-order/fisher/columns.ts'
import { matrixColumns } from '../../support/matrix-columns.ts'
import { blocksOf, exchanged, type RemovalCase, removalCase, removalCost } from '../../support/removal-case.ts'

const two = (seed: number) =>
  removalCase(seed, { sizes: [5, 7], samples: 9, removed: 1 + (seed % 11), start: 'random' })
const open = (problem: RemovalCase, perTensor: boolean) =>
  new Removal(blocksOf(problem, perTensor), problem.weights, problem.start)
const effect = (removal: Removal, q: number) => removal.load(q, new Effect(removal.samples))
/** The masks with weight q, of all tensors, set to `bit`. */
const setting = (masks: readonly ArrayLike<number>[], q: number, bit: number) =>
  bit ? exchanged(masks, q, -1) : exchanged(masks, -1, q)

describe.each([false, true])('one v per tensor: %s', (perTensor) => {
  const cost = (problem: RemovalCase, masks: readonly ArrayLike<number>[]) => removalCost(problem, masks, perTensor)

  it('Q, alpha, beta, gamma and the change of an exchange are differences of costs', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const problem = two(seed)
        const removal = open(problem, perTensor)
        const present = cost(problem, removal.masks)
        expect(removal.objective()).toBeCloseTo(present, 9)
        removal.refresh()
        const { masks, kept } = removal
        for (let q = 0; q < removal.size; q++) {
          if (kept[q]) expect(removal.entering(q)).toBeCloseTo(cost(problem, setting(masks, q, 0)) - present, 9)
          else expect(removal.leaving(q)).toBeCloseTo(present - cost(problem, setting(masks, q, 1)), 9)
        }
        for (let i = 0; i < removal.size; i++) {
          if (kept[i]) continue
          const gamma = removal.coupling(effect(removal, i))
          for (let j = 0; j < removal.size; j++) {
            if (!kept[j]) continue
            const change = removal.change(effect(removal, i), effect(removal, j))
            expect(change).toBeCloseTo(cost(problem, exchanged(masks, i, j)) - present, 9)
            expect(change).toBeCloseTo(removal.entering(j) - removal.leaving(i) - gamma[j], 9)
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('an exchange moves masks and Q', () => {
    const problem = two(3)
    const removal = open(problem, perTensor)
    const back = removal.kept.indexOf(0)
    const gone = removal.kept.lastIndexOf(1)
    const after = exchanged(problem.start, back, gone)
    removal.swap(effect(removal, back), effect(removal, gone))
    expect(removal.masks).toEqual(after)
    expect(removal.objective()).toBeCloseTo(cost(problem, after), 9)
  })
})

it('a weight without effect is one that is zero or has a zero column', () => {
  const gradients = matrixColumns('a', [
    [1, 0, 2],
    [3, 0, 4],
  ])
  const removal = new Removal([{ samples: 2, tensors: [gradients] }], [[0, 5, 6]], [[1, 1, 0]])
  expect([0, 1, 2].map((q) => removal.isIdle(q))).toEqual([true, true, false])
})

describe('refuses', () => {
  const columns = (name: string, rows: number[][]) => matrixColumns(name, rows)
  const a = columns('a', [[1, 2]])
  const block = (...tensors: FisherBlock['tensors']) => [{ samples: 1, tensors }]

  it.each<[string, FisherBlock[], number[][], number[][], string]>([
    ['no gradients', block(), [], [], 'expected at least one tensor of gradients'],
    ['a missing mask', block(a), [[1, 2]], [], 'found 1 weights and 0 masks for 1 tensors of gradients'],
    ['another size', block(a), [[1, 2]], [[1]], 'a has 2 columns, found 2 weights and a mask of 1'],
    ['a mask of 2', block(a), [[1, 2]], [[1, 2]], 'the mask of a holds 2, expected 0 or 1'],
    [
      'another N',
      block(a, columns('b', [[1], [1]])),
      [[1, 2], [1]],
      [[1, 0], [1]],
      'found gradients of 2 samples in b, expected 1',
    ],
    [
      'weights that are NaN',
      block(a),
      [[1, Number.NaN]],
      [[1, 0]],
      'weight 1 of tensor 0 is NaN, expected finite weights',
    ],
    [
      'gradients that are NaN',
      block(columns('b', [[Number.NaN]])),
      [[1]],
      [[0]],
      'the gradients of b hold values that are not finite',
    ],
  ])('%s', (_, blocks, weights, masks, message) => {
    expect(() => new Removal(blocks, weights, masks)).toThrow(message)
  })
})
