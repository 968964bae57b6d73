/** @file What weights cost, against counts by hand. */
import { expect, it } from 'vitest'
import { findModel } from '../../src/models/index.ts'
import { selectTop } from '../../src/select/top.ts'
import { findGranularity } from '../../src/sparsity/granularity/index.ts'
import type { MaskedLayer } from '../../src/sparsity/mask.ts'
import { costBudget, multiplyAddsOf, weightCosts } from '../../src/sparsity/multiply-adds.ts'
import { scopes } from '../../src/sparsity/scope.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { writeMasks } from '../../src/sparsity/write-masks.ts'
import { UserError } from '../../src/util/errors.ts'
import { smallConv } from '../support/small-conv.ts'

it('a weight costs a multiply-add at each place of the plane', () => {
  // Planes of 6 x 6, after pooling 3 x 3, and a linear layer.
  expect([...weightCosts(smallConv)]).toEqual([
    ['conv1.weight', 36],
    ['conv2.weight', 9],
    ['fc.weight', 1],
  ])
  const counts = [
    { name: 'conv1.weight', size: 27, kept: 2 },
    { name: 'conv2.weight', size: 54, kept: 10 },
    { name: 'fc.weight', size: 72, kept: 0 },
  ]
  // 972 + 486 + 72, and 72 + 90.
  expect(multiplyAddsOf(weightCosts(smallConv), counts)).toEqual({ dense: 1530, kept: 162 })
  expect(costBudget(smallConv, prunableTensors(smallConv), 0.3).most).toBe(459)
  expect(multiplyAddsOf(weightCosts(smallConv), [{ name: 'bn1.scale', size: 3, kept: 3 }])).toEqual({
    dense: 0,
    kept: 0,
  })
})

it('ResNet-20 takes 40.55 million without projections, as in the code of FALCON', () => {
  // Kernels at 1024, 256 and 64 places: (432 + 6 x 2304) 1024 + (4608 + 5 x 9216) 256 + (18432 + 5 x 36864)
  // 64 + 640.
  const model = findModel('resnet20')
  const tensors = prunableTensors(model)
  const plain = tensors.filter(({ shape }) => shape.length !== 4 || shape[2] === 3)
  expect(plain).toHaveLength(20)
  expect(costBudget(model, plain, 1).most).toBe(40_551_040)
  // 512 at 256 places and 2048 at 64.
  expect(costBudget(model, tensors, 1).most).toBe(40_551_040 + 262_144)
})

/** Two layers of four weights, the first ten times as dear. */
const layers = (): MaskedLayer[] =>
  [
    [9, 8, 7, 6],
    [5, 4, 3, 2],
  ].map((scores, i) => ({
    name: `l${i}`,
    shape: [4, 1],
    scores: Float64Array.from(scores),
    mask: new Float64Array(4).fill(1),
  }))
const costs = new Map([
  ['l0', 10],
  ['l1', 1],
])
function written(some: MaskedLayer[], most: number, floor?: number): number[][] {
  const select = (group: readonly MaskedLayer[], keep: number) =>
    selectTop(
      group.map(({ scores }) => scores),
      keep,
      group.map(({ mask }) => mask),
    )
  writeMasks(
    some,
    {
      scope: scopes.global,
      sparsity: 0.5,
      floor: floor === undefined ? undefined : { weights: floor, share: 0 },
      multiplyAdds: { costs, most },
      select,
    },
    findGranularity('weight', smallConv),
  )
  return some.map(({ mask }) => [...mask])
}

it('masks keep both budgets; what was removed stays removed; floors come first', () => {
  expect(written(layers(), 44)).toEqual([
    [1, 1, 1, 1],
    [0, 0, 0, 0],
  ])
  expect(written(layers(), 20)).toEqual([
    [1, 0, 0, 0],
    [1, 1, 1, 0],
  ])
  const sparse = layers()
  sparse[0].mask[0] = 0
  sparse[1].mask[0] = 0
  expect(written(sparse, 20)).toEqual([
    [0, 1, 0, 0],
    [0, 1, 1, 1],
  ])
  expect(written(layers(), 22, 2)).toEqual([
    [1, 1, 0, 0],
    [1, 1, 0, 0],
  ])
  expect(() => written(layers(), 21, 2)).toThrow(UserError)
  expect(() => written(layers(), 21, 2)).toThrow(
    'a floor of 2 in every layer needs 22 multiply-adds, the share that may stay is 21',
  )
})
