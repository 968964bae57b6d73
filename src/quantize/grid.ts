/**
 * @file Uniform grids of whole numbers for the weights of a matrix: w is stood for by scale (code - zero),
 * with a scale and a zero point for each row, or for each block of columns of a row. Zero is always on the
 * grid, so that pruned weights stay exactly zero: their code is the zero point.
 */
import { UserError } from '../util/errors.ts'
import { nearest } from '../util/functions.ts'

export type Bits = 4 | 8
export const scaleRules = ['max', 'mse'] as const
/** Of the largest weight, or of the least squared error. */
export type ScaleRule = (typeof scaleRules)[number]

export interface GridOptions {
  /** Default 8. */
  bits?: Bits
  /** Zero points are 0, and codes of eight bits -127 to 127. Default true. */
  symmetric?: boolean
  /**
   * `max`: the grid reaches the largest weight. `mse`: the share of that which makes the sum of squared
   * errors least, with the `importance` of their columns. Default `mse`.
   */
  scales?: ScaleRule
  /** Columns that share a scale. Default: all of a row. */
  block?: number
}

export interface Matrix {
  rows: number
  columns: number
  /** [rows][columns]. */
  weights: ArrayLike<number>
}

/**
 * Codes of a grid: the least and the largest. Those of eight bits leave out -128, so that -w is there,
 * too.
 */
export const limitsOf = (bits: Bits, symmetric: boolean): readonly [number, number] =>
  bits === 4 ? [-8, 7] : symmetric ? [-127, 127] : [-128, 127]

/** Shares of the largest weight that a grid may reach. */
const SHARES = Array.from({ length: 81 }, (_, i) => 1 - i / 100)

export class WeightGrid {
  readonly bits: Bits
  readonly limits: readonly [number, number]
  readonly rows: number
  readonly columns: number
  /** Columns that share a scale. */
  readonly block: number
  /** Blocks of a row. */
  readonly blocks: number
  /** [rows][blocks], positive, each a float32. */
  readonly scales: Float32Array
  /** [rows][blocks]. */
  readonly zeros: Int8Array

  /**
   * The grid of a matrix. `importance`: what a squared error counts by column (such as the diagonal of the
   * Hessian of a layer); all the same, if not given. Throws UserError where a weight is not finite.
   */
  constructor({ rows, columns, weights }: Matrix, options: GridOptions = {}, importance?: ArrayLike<number>) {
    const { bits = 8, symmetric = true, scales: rule = 'mse', block = columns } = options
    this.bits = bits
    this.limits = limitsOf(bits, symmetric)
    this.rows = rows
    this.columns = columns
    this.block = block
    this.blocks = Math.ceil(columns / block)
    this.scales = new Float32Array(rows * this.blocks)
    this.zeros = new Int8Array(rows * this.blocks)
    for (let row = 0; row < rows; row++)
      for (let b = 0; b < this.blocks; b++) {
        const [from, to] = [b * block, Math.min((b + 1) * block, columns)]
        const part = { length: to - from }
        const own = Float64Array.from(part, (_, i) => weights[row * columns + from + i])
        const counts = Float64Array.from(part, (_, i) => importance?.[from + i] ?? 1)
        const at = row * this.blocks + b
        ;[this.scales[at], this.zeros[at]] = this.#best(own, counts, rule === 'max' ? [1] : SHARES, symmetric)
      }
    this.#fillEmpty()
  }

  /**
   * Scale and zero point of weights that share them: of the share of their range with the least sum of
   * squared errors. Scale 0 where all weights are zero.
   */
  #best(
    weights: Float64Array,
    importance: Float64Array,
    shares: readonly number[],
    symmetric: boolean,
  ): [scale: number, zero: number] {
    const wrong = weights.find((w) => !Number.isFinite(w))
    if (wrong !== undefined) throw new UserError(`weights: expected finite numbers, found ${wrong}`)
    const least = weights.reduce((a, b) => Math.min(a, b), 0)
    const most = weights.reduce((a, b) => Math.max(a, b), 0)
    let [error, found]: [number, [number, number]] = [Number.POSITIVE_INFINITY, [0, 0]]
    for (const share of shares) {
      const step = this.#step(share * least, share * most, symmetric)
      if (step[0] === 0) break
      const sum = this.#error(weights, importance, step, error)
      if (sum < error) [error, found] = [sum, step]
    }
    return found
  }

  /** The sum of squared errors with a scale and zero point, as far as it is below `most`. */
  #error(
    weights: Float64Array,
    importance: Float64Array,
    [scale, zero]: readonly [number, number],
    most: number,
  ): number {
    const [low, high] = this.limits
    let sum = 0
    for (let i = 0; i < weights.length && sum < most; i++) {
      const code = Math.min(Math.max(nearest(weights[i] / scale) + zero, low), high)
      sum += importance[i] * (weights[i] - scale * (code - zero)) ** 2
    }
    return sum
  }

  /** Scale and zero point of a grid from `least` <= 0 to `most` >= 0; scale 0 where there is no such grid. */
  #step(least: number, most: number, symmetric: boolean): [number, number] {
    const [low, high] = this.limits
    const step = symmetric ? Math.max(most / high, least / low) : (most - least) / (high - low)
    // What is smaller has no inverse among float32.
    const scale = step < 2 ** -120 ? 0 : Math.fround(step)
    if (symmetric || scale === 0) return [scale, 0]
    return [scale, Math.min(Math.max(nearest(low - least / scale), low), high)]
  }

  /**
   * Rows of zeros have no scale of their own: they take the largest one, so that biases have a usual step.
   */
  #fillEmpty(): void {
    const largest = this.scales.reduce((a, b) => Math.max(a, b), 0) || 1
    this.scales.forEach((scale, i) => {
      if (scale === 0) this.scales[i] = largest
    })
  }

  #place(row: number, column: number): number {
    return row * this.blocks + Math.floor(column / this.block)
  }

  /** The nearest code of a weight at a place. */
  code(row: number, column: number, weight: number): number {
    const at = this.#place(row, column)
    const code = nearest(weight / this.scales[at]) + this.zeros[at]
    return Math.min(Math.max(code, this.limits[0]), this.limits[1])
  }

  /** What a code at a place stands for, as float32. */
  value(row: number, column: number, code: number): number {
    const at = this.#place(row, column)
    return Math.fround(this.scales[at] * (code - this.zeros[at]))
  }
}
