import { expect, it } from 'vitest'
import { overlapOf, totalOverlap } from '../../src/sparsity/overlap.ts'

it('by hand', () => {
  const first = overlapOf('a', [1, 0, -2, 0], [3, 1, 0, 0])
  expect(first).toEqual({ name: 'a', size: 4, keptA: 2, keptB: 2, both: 1, jaccard: 1 / 3 })
  const second = overlapOf('b', [0, 0], [0, 0])
  expect(second.jaccard).toBe(1)
  expect(totalOverlap('all', [first, second, overlapOf('c', [1], [1])])).toEqual({
    name: 'all',
    size: 7,
    keptA: 3,
    keptB: 3,
    both: 2,
    jaccard: 2 / 4,
  })
  expect(() => overlapOf('a', [1], [1, 2])).toThrow('a has 1 weights in one network and 2 in the other')
})
