/** @file What is shown of a tensor: how its values are spread, and where its zeros are. */

export interface Histogram {
  /** The bins go from -most to most; 0 where no value is different from zero. */
  most: number
  /** Finite values that are not zero, by bin. */
  counts: number[]
  zeros: number
  /** Values that are not finite. */
  odd: number
  size: number
}

const BINS = 48

/** With `most`, in the bins of another histogram. */
export function histogramOf(values: ArrayLike<number>, most = largest(values)): Histogram {
  const counts = Array<number>(BINS).fill(0)
  let [zeros, odd] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) zeros++
    else if (!Number.isFinite(values[i])) odd++
    else counts[Math.min(BINS - 1, Math.floor(((values[i] / most + 1) / 2) * BINS))]++
  }
  return { most, counts, zeros, odd, size: values.length }
}

function largest(values: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i])
    if (size > most && size < Number.POSITIVE_INFINITY) most = size
  }
  return most
}

export interface MaskPicture {
  rows: number
  columns: number
  /** Of each cell, row-major: the share of weights that are not zero. */
  shares: Float32Array
}

const MOST = { rows: 96, columns: 192 }

/** Outputs from top to bottom, their inputs across; several weights share a cell of a large tensor. */
export function maskPicture(values: ArrayLike<number>, shape: readonly number[]): MaskPicture {
  const outputs = shape.length > 1 ? shape[0] : 1
  const inputs = values.length / outputs
  const [rows, columns] = [Math.min(outputs, MOST.rows), Math.min(inputs, MOST.columns)]
  const [kept, all] = [new Float32Array(rows * columns), new Float32Array(rows * columns)]
  for (let output = 0; output < outputs; output++) {
    const row = Math.floor((output * rows) / outputs)
    for (let input = 0; input < inputs; input++) {
      const cell = row * columns + Math.floor((input * columns) / inputs)
      all[cell]++
      if (values[output * inputs + input] !== 0) kept[cell]++
    }
  }
  return { rows, columns, shares: kept.map((n, cell) => n / all[cell]) }
}

export function countZeros(values: ArrayLike<number>): number {
  let zeros = 0
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  return zeros
}
