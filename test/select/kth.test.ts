import { expect, it } from 'vitest'
import { kthLargest } from '../../src/select/kth.ts'
import { random } from '../../src/util/random.ts'

const draw = random(0, 'kth')
const values = (n: number, of: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => of(i))

it.each<[string, Float64Array]>([
  ['one', values(1, () => 3)],
  ['random', values(257, () => draw.normal())],
  ['few different ones', values(300, () => Math.floor(3 * draw.uniform()))],
  ['rising', values(100, (i) => i)],
  ['falling', values(100, (i) => -i)],
  ['infinite', Float64Array.of(1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1)],
])('every place of %s values is that of the sorted ones', (_, list) => {
  const sorted = [...list].sort((a, b) => b - a)
  const found = sorted.map((_, i) => kthLargest(list.slice(), i + 1))
  expect(found.map((x) => x + 0)).toEqual(sorted.map((x) => x + 0))
})

it('a million equal values take one pass', { timeout: 2000 }, () => {
  expect(kthLargest(new Float64Array(1e6), 500_000)).toBe(0)
})
