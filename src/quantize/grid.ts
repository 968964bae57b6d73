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
        let [least, most] = [0, 0]
        for (let i = from; i < to; i++) {
          const w = weights[row * columns + i]
          if (!Number.isFinite(w)) throw new UserError(`weights: expected finite numbers, found ${w}`)
          least = Math.min(least, w)
          most = Math.max(most, w)
        }
        let best = Number.POSITIVE_INFINITY
        for (const share of rule === 'max' ? [1] : SHARES) {
          const [scale, zero] = this.#step(share * least, share * most, symmetric)
          if (scale === 0) break
          let error = 0
          if (rule === 'mse')
            for (let i = from; i < to && error < best; i++) {
              const w = weights[row * columns + i]
              const code = Math.min(Math.max(nearest(w / scale) + zero, this.limits[0]), this.limits[1])
              error += (importance?.[i] ?? 1) * (w - scale * (code - zero)) ** 2
            }
          if (error >= best) continue
          best = error
          this.scales[row * this.blocks + b] = scale
          this.zeros[row * this.blocks + b] = zero
        }
      }
    this.#fillEmpty()
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
