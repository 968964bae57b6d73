import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type PruningSchedule, pruningEvents } from '../../src/sparsity/schedule.ts'

const sparsities = (schedule: PruningSchedule) => pruningEvents(schedule).map(({ sparsity }) => sparsity)
const steps = (schedule: PruningSchedule) => pruningEvents(schedule).map(({ step }) => step)

it('cubic: twenty events to 90 %', () => {
  const found = sparsities({ kind: 'cubic', sparsity: 0.9, start: 0, end: 1900, every: 100 })
  // 0.9 - 0.9 (1 - j / 20)^3, to three digits.
  const expected = [
    0.128, 0.244, 0.347, 0.439, 0.52, 0.591, 0.653, 0.706, 0.75, 0.788, 0.818, 0.842, 0.861, 0.876, 0.886, 0.893, 0.897,
    0.899, 0.9, 0.9,
  ]
  expect(found).toHaveLength(20)
  found.forEach((s, i) => {
    expect(Math.abs(s - expected[i]), `event ${i + 1}`).toBeLessThan(0.000501)
  })
})

it('exponential: every event removes the same share of what is left', () => {
  const schedule = { kind: 'exponential', sparsity: 0.9375, start: 10, end: 40, every: 10 } as const
  const expected = [0.5, 0.75, 0.875, 0.9375]
  sparsities(schedule).forEach((s, i) => {
    expect(s).toBeCloseTo(expected[i], 14)
  })
  expect(steps(schedule)).toEqual([10, 20, 30, 40])
})

it.each(['one-shot', 'exponential', 'cubic'] as const)(
  '%s: what has another final sparsity gets there as it would alone',
  (kind) => {
    const schedule = { kind, start: 10, end: 42, every: 10 }
    const [events, alone] = [0.9, 0.4].map((sparsity) => pruningEvents({ ...schedule, sparsity }))
    expect(events.map(({ at }) => at(0.4))).toEqual(alone.map(({ sparsity }) => sparsity))
    expect(events.map(({ at }) => at(0))).toEqual(events.map(() => 0))
  },
)

it('one-shot: once, at the start', () => {
  const schedule = { kind: 'one-shot', sparsity: 0.5, start: 7, end: 100, every: 10 } as const
  expect(pruningEvents(schedule)).toMatchObject([{ step: 7, sparsity: 0.5 }])
})

it('the last event is not after the end', () => {
  expect(steps({ kind: 'cubic', sparsity: 0.5, start: 5, end: 34, every: 10 })).toEqual([5, 15, 25])
  expect(steps({ kind: 'cubic', sparsity: 0.5, start: 5, end: 35, every: 10 })).toEqual([5, 15, 25, 35])
  expect(steps({ kind: 'cubic', sparsity: 0.5, start: 5, end: 5, every: 10 })).toEqual([5])
})

it('sparsity never falls and ends at exactly the one asked for', () => {
  const schedules = fc.record({
    kind: fc.constantFrom('cubic' as const, 'exponential' as const),
    sparsity: fc.double({ min: 0, max: 1, noNaN: true }),
    start: fc.nat(100),
    end: fc.integer({ min: 100, max: 500 }),
    every: fc.integer({ min: 1, max: 200 }),
  })
  fc.assert(
    fc.property(schedules, (schedule) => {
      const found = sparsities(schedule)
      expect(found.at(-1)).toBe(schedule.sparsity)
      found.forEach((s, i) => {
        expect(s).toBeGreaterThan((i === 0 ? 0 : found[i - 1]) - 1e-15)
      })
    }),
    { numRuns: 500 },
  )
})

const phases = (schedule: Omit<PruningSchedule, 'kind' | 'sparsity'>) =>
  pruningEvents({ kind: 'alternating', sparsity: 0.9, ...schedule }).map(({ step, sparsity, lifts, at }) => {
    expect([sparsity, at(0.4)]).toEqual(lifts ? [0, 0] : [0.9, 0.4])
    return `${lifts ? 'dense' : 'sparse'} ${step}`
  })

it('alternating: the published epochs of ResNet-50 and ResNet-20', () => {
  expect(phases({ start: 10, end: 85, every: 5 }).join(', ')).toBe(
    'sparse 10, dense 15, sparse 20, dense 25, sparse 30, dense 35, sparse 40, dense 45, sparse 50, dense 55, sparse 60, dense 65, sparse 70, dense 75, sparse 85',
  )
  expect(phases({ start: 10, end: 170, every: 20 }).join(', ')).toBe(
    'sparse 10, dense 30, sparse 50, dense 70, sparse 90, dense 110, sparse 130, dense 150, sparse 170',
  )
})

it('alternating: the last dense phase is cut short or drawn out to the end, never left out', () => {
  expect(phases({ start: 0, end: 5, every: 3 })).toEqual(['sparse 0', 'dense 3', 'sparse 5'])
  expect(phases({ start: 0, end: 9, every: 3 })).toEqual(['sparse 0', 'dense 3', 'sparse 9'])
  expect(phases({ start: 0, end: 10, every: 3 })).toEqual(['sparse 0', 'dense 3', 'sparse 6', 'dense 9', 'sparse 10'])
  expect(() => phases({ start: 2, end: 5, every: 3 })).toThrow(
    'expected end > start + every with alternating phases, found 2, 5, 3',
  )
})

it.each([
  { start: 10, end: 9, every: 1 },
  { start: 0, end: 9, every: 0 },
])('refuses %o', (times) => {
  expect(() => pruningEvents({ kind: 'cubic', sparsity: 0.5, ...times })).toThrow(
    'expected end >= start and every >= 1',
  )
})
