/**
 * @file What values a tensor takes, as a histogram, and the range that eight bits of it should cover: all of
 * it, all but rare values, or the one of the least squared error.
 */
import { nearest } from '../util/functions.ts'

export const rangeRules = ['min-max', 'percentile', 'mse'] as const
export type RangeRule = (typeof rangeRules)[number]

export interface RangeOptions {
  /** Default `mse`. */
  rule?: RangeRule
  /** With `percentile`: how many percent of all values each end leaves inside. Default 99.99. */
  percentile?: number
}

/** The least and the largest value, of which the first is at most and the second at least 0. */
export type Range = readonly [least: number, most: number]

/** Bins are much narrower than the steps of eight bits. */
const BINS = 2048
/** Shares of the range that may be covered. */
const SHARES = Array.from({ length: 91 }, (_, i) => 1 - i / 100)
/** Steps between the codes of eight bits. */
const STEPS = 255

export class Histogram {
  readonly #range: Range
  readonly #counts = new Float64Array(BINS)

  /** Of values in a range. */
  constructor(range: Range) {
    this.#range = range
  }

  add(values: ArrayLike<number>): void {
    const [least, most] = this.#range
    const perValue = most > least ? BINS / (most - least) : 0
    for (let i = 0; i < values.length; i++) {
      const bin = Math.floor((values[i] - least) * perValue)
      this.#counts[Math.min(Math.max(bin, 0), BINS - 1)]++
    }
  }

  /** What eight bits should cover. */
  cover({ rule = 'mse', percentile = 99.99 }: RangeOptions = {}): Range {
    if (rule === 'min-max') return this.#range
    return rule === 'percentile' ? this.#percentile(percentile / 100) : this.#leastError()
  }

  #percentile(share: number): Range {
    const [least, most] = this.#range
    const width = (most - least) / BINS
    const total = this.#counts.reduce((a, b) => a + b, 0)
    const end = (from: number, step: 1 | -1) => {
      let [left, bin] = [(1 - share) * total, from]
      for (; left >= this.#counts[bin] && bin + step >= 0 && bin + step < BINS; bin += step) left -= this.#counts[bin]
      return bin
    }
    return [Math.min(0, least + end(0, 1) * width), Math.max(0, least + (end(BINS - 1, -1) + 1) * width)]
  }

  /** The sum of squared errors of the middles of bins, for shares of both ends. */
  #leastError(): Range {
    const [least, most] = this.#range
    const width = (most - least) / BINS
    let [best, found] = [Number.POSITIVE_INFINITY, this.#range]
    for (const share of SHARES) {
      const [low, high] = [share * least, share * most]
      const step = (high - low) / STEPS
      if (!(step > 0)) break
      let error = 0
      for (let bin = 0; bin < BINS && error < best; bin++) {
        if (this.#counts[bin] === 0) continue
        const x = least + (bin + 0.5) * width
        const code = Math.min(Math.max(nearest((x - low) / step), 0), STEPS)
        error += this.#counts[bin] * (x - low - code * step) ** 2
      }
      if (error < best) [best, found] = [error, [low, high]]
    }
    return found
  }
}
