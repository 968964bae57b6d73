/** @file The Pareto front, beside its definition in another form: a sweep by cost. */
import { expect, it } from 'vitest'
import { onFront, type Valued } from '../../src/report/pareto.ts'
import { random } from '../../src/util/random.ts'

/** By ascending cost, a network is on the front where it is worth more than all that cost less. */
function sweep(all: readonly Valued[]): boolean[] {
  const front = all.map(() => false)
  let best = Number.NEGATIVE_INFINITY
  for (const cost of [...new Set(all.map((one) => one.cost))].sort((a, b) => a - b)) {
    const here = all.filter((one) => one.cost === cost)
    const most = Math.max(...here.map(({ worth }) => worth))
    if (most > best) all.forEach((one, i) => void (front[i] ||= one.cost === cost && one.worth === most))
    best = Math.max(best, most)
  }
  return front
}

it('is what a sweep finds, with ties', () => {
  const draw = random(0, 'front')
  for (let round = 0; round < 200; round++) {
    const whole = () => Math.floor(6 * draw.uniform())
    const all = Array.from({ length: 1 + whole() * 3 }, () => ({ cost: whole(), worth: whole() }))
    expect(onFront(all)).toEqual(sweep(all))
  }
})

it('leaves out what is not a number, which beats nothing', () => {
  expect(
    onFront([
      { cost: 1, worth: Number.NaN },
      { cost: 2, worth: 1 },
      { cost: Number.NaN, worth: 9 },
    ]),
  ).toEqual([false, true, false])
})
