/** @file Settings whose value may change while a network trains. */
import { z } from 'zod'
import { toSteps } from './duration.ts'
import { UserError } from './errors.ts'
import { duration } from './schema.ts'

/** One value for all of a run, what it is from a time on (`0ep` first), or a function of the step. */
export type OverTime<T> = T | Readonly<Record<string, T>> | ((step: number) => T)

/** The schema of such a setting. */
export const overTime = <T extends z.ZodType>(value: T) =>
  z.union([value, z.record(duration, value), z.custom<(step: number) => z.output<T>>((f) => typeof f === 'function')])

/**
 * The value at a step: that of the last time that has come. Throws UserError where values have times and none
 * is there from the beginning; `key` is what it calls them. `stepsPerEpoch`:
 * undefined where nobody knows it, so that values cannot have times.
 */
export function valueAt<T extends string | number>(
  values: OverTime<T>,
  stepsPerEpoch: number | undefined,
  key: string,
): (step: number) => T {
  if (typeof values === 'function') return values
  if (typeof values !== 'object') return () => values
  if (stepsPerEpoch === undefined)
    throw new UserError(`${key}: expected a number or a function of the step, found times`)
  const pieces = Object.entries(values)
    .map(([time, value]) => [toSteps(time, stepsPerEpoch), value] as const)
    .sort(([a], [b]) => a - b)
  if (pieces[0]?.[0] !== 0) throw new UserError(`${key}: expected a value from 0ep on, found none`)
  return (step) => pieces.findLast(([from]) => from <= step)![1]
}
