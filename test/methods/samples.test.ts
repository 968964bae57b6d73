/** @file Which samples give gradients, and which judge. */
import { expect, it } from 'vitest'
import { drawSamples, usualJudge } from '../../src/methods/samples.ts'
import { numpyPermutation } from '../../src/util/numpy-random.ts'

it('gradients and judges are disjoint', () => {
  const { gradients, judge, judgeStart } = drawSamples(1000, { gradients: 300, judge: 700, seed: 3 })
  expect(new Set([...gradients, ...judge]).size).toBe(1000)
  expect(judgeStart).toBeUndefined()
})

it('in faithful mode a search is judged by all samples, its start by the first of the gradients', () => {
  expect(usualJudge(true, true, 60_000, 10_000)).toBe(60_000)
  expect(usualJudge(true, false, 60_000, 50_000)).toBe(5000)
  expect(usualJudge(false, true, 60_000, 100)).toBe(100)
  const order = numpyPermutation(2, 60_000)
  const drawn = drawSamples(60_000, { gradients: 10_000, judge: 60_000, seed: 2, faithful: true })
  expect(drawn).toEqual({
    gradients: order.slice(0, 10_000),
    judge: order,
    judgeStart: order.slice(0, 5000),
  })
  // In whole evaluation batches.
  const some = drawSamples(60_000, { gradients: 1830, judge: 60_000, faithful: true })
  expect(some.judgeStart).toHaveLength(1800)
  expect(drawSamples(60_000, { gradients: 39, judge: 5000, faithful: true }).judgeStart).toBeUndefined()
})
