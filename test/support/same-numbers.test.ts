import { expect, it } from 'vitest'
import { sameNumbers } from './same-numbers.ts'

const ramp = Array.from({ length: 40 }, (_, i) => i - 20)
/** The ramp with another number in the place of its zero. */
const withNumber = (value: number) => ramp.with(20, value)

it.each([
  ['the same', ramp, true],
  ['another number', withNumber(0.5), false],
  ['a zero of the other sign', withNumber(-0), false],
])('lists and typed arrays with %s', (_, other, same) => {
  expect(sameNumbers(ramp, other)).toBe(same)
  expect(sameNumbers(Float64Array.from(ramp), Float64Array.from(other))).toBe(same)
  if (same) expect({ some: [Float32Array.from(ramp)] }).toEqual({ some: [Float32Array.from(other)] })
  else expect({ some: [Float32Array.from(ramp)] }).not.toEqual({ some: [Float32Array.from(other)] })
})

it('NaN is the same as NaN', () => {
  expect(sameNumbers(Float32Array.from(withNumber(Number.NaN)), Float32Array.from(withNumber(Number.NaN)))).toBe(true)
})

it('everything else is left to Vitest', () => {
  const others: unknown[] = [ramp.map(String), ramp.slice(1), Float32Array.from(ramp), [...ramp.slice(1), {}], null, 3]
  for (const other of others) expect(sameNumbers(ramp, other)).toBeUndefined()
  expect(ramp).toEqual(ramp.map((value) => expect.closeTo(value, 5)))
  expect(Float32Array.from(ramp)).not.toEqual(Float64Array.from(ramp))
  expect(ramp).not.toEqual(ramp.slice(1))
})
