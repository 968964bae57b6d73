import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { trunkOf } from '../../src/sweep/trunk.ts'
import { tiny } from '../experiment/tiny.ts'

/** Of the tiny recipe with some values changed. */
function trunk({ prune = {}, train = {}, ...others }: { prune?: object; train?: object; [key: string]: unknown } = {}) {
  const changed = { ...tiny, ...others, prune: { ...tiny.prune, ...prune }, train: { ...tiny.train, ...train } }
  return trunkOf(checkRecipe(changed, 'tiny'))
}

it.each([
  ['method', { prune: { method: 'snip' } }],
  ['sparsity', { prune: { sparsity: 0.5 } }],
  ['schedule', { prune: { schedule: 'one-shot' } }],
  ['name', { name: 'other' }],
])('shared by runs of another %s', (_, changes) => {
  expect(trunk()).toMatch(/^[0-9a-f]{12}$/)
  expect(trunk(changes)).toBe(trunk())
})

it.each([
  ['seed', { seed: 1 }],
  ['learning rate', { train: { learningRate: 0.1 } }],
  ['number of epochs, which the learning rate depends on', { train: { epochs: 5 } }],
  ['start of pruning', { prune: { start: '11it' } }],
  ['choice of tensors', { prune: { include: ['fc1.weight'] } }],
  ['kind of method, which may want other kernels', { prune: { method: 'cbs' } }],
])('not shared by runs of another %s', (_, changes) => {
  expect(trunk(changes)).not.toBe(trunk())
})

it('none where pruning comes first, or never', () => {
  for (const start of ['0ep', '0it', '0.01ep']) expect(trunk({ prune: { start } })).toBeUndefined()
  expect(trunk({ prune: { start: '0ep10it' } })).toBeDefined()
  expect(trunk({ train: { start: '10it' } })).toBeUndefined()
  const { prune: _, ...dense } = tiny
  expect(trunkOf(checkRecipe(dense, 'tiny'))).toBeUndefined()
})
