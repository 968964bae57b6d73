import { expect, it } from 'vitest'
import { numpyPermutation } from '../../src/util/numpy-random.ts'

const sum = (values: Uint32Array) => values.reduce((a, b) => a + b, 0)

// From NumPy itself: numpy.random.seed(seed); numpy.random.permutation(n).
it.each([
  { seed: 0, n: 60_000, head: [3048, 19563, 58303, 8870, 40228, 31488, 21860, 56864], sum: 300_012_983 },
  { seed: 1, n: 60_000, head: [15281, 21435, 44536, 13518, 47529, 53560, 41094, 6060], sum: 296_816_464 },
])('seed $seed orders $n images as NumPy does', ({ seed, n, head, sum: total }) => {
  const order = numpyPermutation(seed, n)
  expect([...order.subarray(0, head.length)]).toEqual(head)
  expect(sum(order.subarray(0, 10_000))).toBe(total)
  expect(order.toSorted()).toEqual(Uint32Array.from({ length: n }, (_, i) => i))
})

it.each([
  { seed: 1, head: [30507, 31517, 6860, 24460, 30061] },
  { seed: 2, head: [9282, 8357, 24339, 27390, 25208] },
])('seed $seed orders the weights of MLPNet as NumPy does', ({ seed, head }) => {
  expect([...numpyPermutation(seed, 32_360).subarray(0, head.length)]).toEqual(head)
})

it('the largest seed, a length one above a power of two, and next to nothing', () => {
  expect([...numpyPermutation(4294967295, 17)]).toEqual([8, 1, 5, 14, 10, 15, 16, 13, 11, 9, 6, 0, 4, 7, 12, 2, 3])
  expect([...numpyPermutation(0, 1)]).toEqual([0])
  expect([...numpyPermutation(0, 0)]).toEqual([])
})

it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses the seed %d', (seed) => {
  expect(() => numpyPermutation(seed, 3)).toThrow(`expected a seed from 0 to 4294967295, found ${seed}`)
})
