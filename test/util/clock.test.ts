/** @file Times where the clock goes in steps, as browsers have it: means of many calls, and never of none. */
import { afterEach, expect, it, vi } from 'vitest'

const STEP = 0.1
/** Milliseconds that a run takes. */
const RUN = 0.004

afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

/** A clock that shows whole steps, of a machine on which every look at it takes a thousandth of one. */
function coarseClock(): { pass(milliseconds: number): void } {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += STEP / 1000
    return Math.floor(now / STEP + 1e-9) * STEP
  })
  return {
    pass: (milliseconds) => {
      now += milliseconds
    },
  }
}

it('its step is found, and calls that fill some of them', async () => {
  const clock = coarseClock()
  vi.resetModules()
  const { callsFor, clockStep } = await import('../../src/util/clock.ts')
  expect(clockStep()).toBeCloseTo(STEP, 9)
  const calls = callsFor(() => clock.pass(RUN))
  expect(calls * RUN).toBeGreaterThanOrEqual(20 * STEP - STEP)
  expect(calls * RUN).toBeLessThan(2 * 20 * STEP + STEP)
})

it('networks that take less than a step are told apart', async () => {
  const clock = coarseClock()
  vi.resetModules()
  const { leastInTurns } = await import('../../src/figures/time.ts')
  const runs = [RUN, 3 * RUN].map((milliseconds) => () => clock.pass(milliseconds))
  const times = await leastInTurns(runs, { seconds: 0.2 })
  expect(times[0] / RUN).toBeCloseTo(1, 0)
  expect(times[1] / times[0]).toBeCloseTo(3, 0)
})
