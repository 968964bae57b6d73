import { expect, it } from 'vitest'
import { isDuration, toSteps } from '../../src/util/duration.ts'

it.each([
  ['4ep', 40],
  ['500it', 500],
  ['4ep50it', 90],
  ['0it', 0],
  ['0.5ep', 5],
  // 0.25 x 10 steps, rounded.
  ['0.25ep', 3],
  ['1.24ep', 12],
  ['1.5ep1it', 16],
])('%s of ten steps per epoch is %i steps', (text, steps) => {
  expect(isDuration(text)).toBe(true)
  expect(toSteps(text, 10)).toBe(steps)
})

it.each(['', '4', 'ep', '-1ep', '4 ep', '1e3it', '0.5it', '50it4ep', '4epochs', '.5ep', '4ep ', 'ep4', '4ep4ep'])(
  '"%s" is no duration',
  (text) => {
    expect(isDuration(text)).toBe(false)
    expect(() => toSteps(text, 10)).toThrow('expected a duration such as 4ep or 500it')
  },
)
