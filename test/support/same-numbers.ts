/**
 * @file Long lists of numbers in `toEqual`: Vitest compares every number as if it were an object, which for a
 * network's weights takes seconds. Numbers are the same where `Object.is` says so, as they are to Vitest.
 */
import { expect } from 'vitest'

/** Typed arrays and plain lists that hold numbers alone. */
type Numbers = ArrayLike<number>

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))

const areNumbers = (list: ArrayLike<unknown>): list is Numbers =>
  !Array.isArray(list) || list.every((value) => typeof value === 'number')

/**
 * Whether two lists of one kind hold the same numbers; undefined for everything else, and for lists of
 * other values, which are left to Vitest.
 */
export function sameNumbers(a: unknown, b: unknown): boolean | undefined {
  if (!isList(a) || !isList(b) || a.constructor !== b.constructor) return undefined
  if (a.length !== b.length || a.length < 16 || !areNumbers(a) || !areNumbers(b)) return undefined
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}

// Once for a process: a setup file is run for every test file of it, and the modules that it imports are not.
expect.addEqualityTesters([sameNumbers])
