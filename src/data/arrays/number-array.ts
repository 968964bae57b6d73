/** @file Numbers with a shape, as files of arrays hold them. */
import { UserError } from '../../util/errors.ts'

export interface NumberArray {
  shape: readonly number[]
  /** Row-major. */
  values: Float32Array
}

/** Whole numbers that floats hold are all exact up to here. */
const EXACT = 2 ** 24

/**
 * A whole number as a float. Throws UserError, which calls the array `what`, where floats do not hold it
 * exactly.
 */
export function exactFloat(value: number | bigint, what: string): number {
  const number = Number(value)
  if (Math.abs(number) <= EXACT) return number
  throw new UserError(`${what} holds ${value}, expected whole numbers of at most ${EXACT} in size`)
}

/** The number of elements of a shape. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)
