/** @file Wide residual networks of any depth. */
import { expect, it } from 'vitest'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel, isModelName } from '../../src/models/index.ts'
import { graphOf } from '../../src/models/model.ts'
import { UserError } from '../../src/util/errors.ts'

/**
 * By hand, from the widths w = 16, 16 k, 32 k, 64 k and n blocks in a group: the stem's 3 x 3 of 3 channels;
 * of a group the first 3 x 3 from the width before, 2 n - 1 others, and a 1 x 1 where the width changes; a
 * scale and a shift for every channel that is normalized; the linear layer.
 */
function parameters(depth: number, k: number): number {
  const n = (depth - 4) / 6
  let [total, before] = [9 * 3 * 16, 16]
  for (const width of [16 * k, 32 * k, 64 * k]) {
    total += 9 * before * width + (2 * n - 1) * 9 * width ** 2 + (before === width ? 0 : before * width)
    total += 2 * before + 2 * (2 * n - 1) * width
    before = width
  }
  return total + 2 * before + 10 * before + 10
}

it.each([
  [10, 1],
  [16, 8],
  [22, 2],
  [28, 10],
  [40, 4],
])('WRN-%i-%i', (depth, widen) => {
  const found = graphOf(findModel(`wrn-${depth}`, { widen })).withRole('parameter')
  expect(found.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(parameters(depth, widen))
})

it('published counts: 36.5 million for WRN-28-10, 11.0 for WRN-16-8, 8.9 for WRN-40-4', () => {
  const millions = [parameters(28, 10), parameters(16, 8), parameters(40, 4)].map((count) => (count / 1e6).toFixed(1))
  expect(millions).toEqual(['36.5', '11.0', '8.9'])
})

it('other depths are no networks', () => {
  for (const name of ['wrn-4', 'wrn-9', 'wrn-29', 'wrn-028', 'wrn-', 'wrn-1e2']) expect(isModelName(name)).toBe(false)
  expect(() => findModel('wrn-29')).toThrow(UserError)
  expect(() => findModel('wrn-29')).toThrow('did you mean wrn-28?')
})
