import { expect, it } from 'vitest'
import { learningRate, type RateSchedule } from '../../src/optim/schedule.ts'

const rates = (schedule: RateSchedule) =>
  Array.from({ length: schedule.total }, (_, step) => learningRate(schedule, step))
const expectRates = (schedule: RateSchedule, expected: number[]) => {
  const found = rates(schedule)
  expect(found).toHaveLength(expected.length)
  found.forEach((rate, step) => {
    expect(rate, `step ${step}`).toBeCloseTo(expected[step], 12)
  })
}

it('constant', () => {
  expectRates({ kind: 'constant', base: 0.1, total: 3 }, [0.1, 0.1, 0.1])
})

it('warm-up: linear, the full rate at its last step', () => {
  expectRates({ kind: 'constant', base: 0.4, total: 6, warmup: 4 }, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
})

it('steps: multiplied at every drop', () => {
  expectRates({ kind: 'steps', base: 1, total: 6, drops: [2, 4] }, [1, 1, 0.1, 0.1, 0.01, 0.01])
  expectRates({ kind: 'steps', base: 1, total: 3, drops: [1], factor: 0.5 }, [1, 0.5, 0.5])
})

it('two drops at one step count twice, a drop at step 0 counts from the start', () => {
  expectRates({ kind: 'steps', base: 1, total: 3, drops: [0, 2, 2], factor: 0.5 }, [0.5, 0.5, 0.125])
})

it('steps with warm-up: a drop within the warm-up counts after it', () => {
  expectRates({ kind: 'steps', base: 1, total: 4, warmup: 2, drops: [1], factor: 0.5 }, [0.5, 1, 0.5, 0.5])
})

it('cosine: half a period from the base towards 0', () => {
  const h = Math.SQRT1_2
  expectRates({ kind: 'cosine', base: 2, total: 4 }, [2, 1 + h, 1, 1 - h])
})

it('cosine after warm-up begins at the full rate', () => {
  expectRates({ kind: 'cosine', base: 2, total: 6, warmup: 2 }, [1, 2, 2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2])
})

it('rates of its own over time, 0 among them, and a warm-up to them', () => {
  const base = (step: number) => (step < 2 ? 0 : step < 4 ? 0.5 : 0.25)
  expectRates({ kind: 'constant', base, total: 6 }, [0, 0, 0.5, 0.5, 0.25, 0.25])
  expectRates({ kind: 'constant', base, total: 5, warmup: 4 }, [0, 0, 0.375, 0.5, 0.25])
})

it('a warm-up as long as the run never ends', () => {
  expectRates({ kind: 'cosine', base: 1, total: 2, warmup: 2 }, [0.5, 1])
})
