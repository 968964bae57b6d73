/** @file How much of what the best support saves a search finds, and that it goes down only. */
import { expect } from 'vitest'

export interface Searched {
  /** Q after the start and after every exchange, as the search tells. */
  trace: readonly number[]
  /** Q of where it starts and ends, computed independently. */
  start: number
  end: number
  /** Q of all supports that are allowed. */
  all: readonly number[]
}

/** The share, 1 where nothing could be saved. */
export function shareOfBest({ trace, start, end, all }: Searched): number {
  for (let i = 1; i < trace.length; i++) expect(trace[i]).toBeLessThan(trace[i - 1])
  expect(trace[0] / start).toBeCloseTo(1, 5)
  expect(trace.at(-1)! / end).toBeCloseTo(1, 5)
  const lowest = Math.min(...all)
  expect(end).toBeGreaterThan(lowest * (1 - 1e-6))
  return start > lowest * (1 + 1e-9) ? (start - end) / (start - lowest) : 1
}
