/** @file Times that are measured in turns, of work that takes a known time. */
import { expect, it } from 'vitest'
import { leastInTurns, Yardstick } from '../../src/figures/time.ts'

/** Work for so many milliseconds, times what the machine is slower by at the moment. */
let slower = 1
const busy = (milliseconds: number) => () => {
  const until = performance.now() + slower * milliseconds
  while (performance.now() < until);
}

it('the least of each network is what it takes, also of those that are waited for', async () => {
  const sleep = () => Promise.resolve().then(busy(1))
  const [a, b, c] = await leastInTurns([busy(0.5), busy(2), sleep], { seconds: 1 })
  expect(a).toBeGreaterThanOrEqual(0.5)
  expect(a).toBeLessThan(0.7)
  expect(b).toBeGreaterThanOrEqual(2)
  expect(b).toBeLessThan(2.4)
  expect(c).toBeGreaterThanOrEqual(1)
  expect(c).toBeLessThan(1.3)
})

it('what another takes is said on the machine at its best', async () => {
  slower = 1
  const yardstick = new Yardstick(busy(1), { seconds: 0.5 })
  expect(yardstick.dense).toBe(Number.POSITIVE_INFINITY)
  const first = await yardstick.measure([busy(0.4)])
  slower = 3
  const later = await yardstick.measure([busy(0.4)])
  expect(yardstick.dense).toBeLessThan(1.2)
  expect(later.factor).toBeLessThan(0.5)
  for (const { times } of [first, later]) {
    expect(times[0]).toBeGreaterThan(0.32)
    expect(times[0]).toBeLessThan(0.5)
  }
})
