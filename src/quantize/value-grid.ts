/**
 * @file The steps of what a network computes: x is stood for by scale (code - zero), one grid for a
 * tensor.
 */
import { UserError } from '../util/errors.ts'
import { nearest } from '../util/functions.ts'
import type { Range } from './ranges.ts'

export const valueTypes = ['uint8', 'int8'] as const
export type ValueType = (typeof valueTypes)[number]

export interface ValueGrid {
  type: ValueType
  /** A positive float32. */
  scale: number
  /** The code of 0. */
  zero: number
}

/** The grid that covers a range. Throws UserError where it is not finite. */
export function valueGrid([least, most]: Range, type: ValueType): ValueGrid {
  if (!Number.isFinite(most - least)) throw new UserError(`a range of [${least}, ${most}] is not finite`)
  const low = type === 'uint8' ? 0 : -128
  const step = Math.fround((most - least) / 255)
  // Of what is always 0, any step will do.
  const scale = step < 2 ** -120 ? 1 : step
  return { type, scale, zero: low + Math.min(Math.max(nearest(-least / scale), 0), 255) }
}
