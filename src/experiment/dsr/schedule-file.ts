/**
 * @file The schedule files of the published program of dynamic sparse reparameterization: three lists of
 * `epoch: value`, each value holding from its epoch on.
 *
 *     lr_schedule:                   [{ 0: 0.1 }, { 60: 0.02 }]
 *     rewire_period_schedule:        [{ 0: 100 }, { 25: 200 }]      # in iterations
 *     DeepR_temperature_schedule:    [{ 0: 1.0e-5 }, { 25: 1.0e-8 }]
 */
import { z } from 'zod'
import { checkSchema } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { plainValue, readYaml } from '../../util/yaml.ts'

/** Values by the times of a recipe from which they hold, `0ep` first. */
export type ByTime<T> = Record<string, T>

export interface Schedule {
  rates: ByTime<number>
  /** Durations between events of rewiring. */
  periods: ByTime<string>
  temperatures: ByTime<number>
}

const notNegative = z.number().min(0)

/** Maps of one pair each. */
const pieces = <T extends z.ZodType>(value: T) => z.array(z.record(z.string(), value)).min(1)

const fileSchema = z.strictObject({
  lr_schedule: pieces(notNegative),
  rewire_period_schedule: pieces(z.int().min(1)),
  DeepR_temperature_schedule: pieces(notNegative),
})

/**
 * Reads such a file. Throws UserError where it is none, where a list lacks the epoch 0, or where its epochs
 * do not ascend.
 */
export function readSchedule(path: string): Schedule {
  const file = checkSchema(fileSchema, plainValue(readYaml(path), path), { source: path, whole: 'schedule' })
  const list = (key: keyof typeof file) => byTime(file[key], `${path}: ${key}`)
  const periods = Object.entries(list('rewire_period_schedule')).map(([time, steps]) => [time, `${steps}it`])
  return {
    rates: list('lr_schedule'),
    periods: Object.fromEntries(periods),
    temperatures: list('DeepR_temperature_schedule'),
  }
}

function byTime(pieces: readonly Record<string, number>[], what: string): ByTime<number> {
  const values: ByTime<number> = {}
  let last = -1
  for (const piece of pieces) {
    const [[epoch, value] = [], another] = Object.entries(piece)
    if (epoch === undefined || value === undefined || another || !/^\d+$/.test(epoch))
      throw new UserError(
        `${what}: expected one pair of an epoch and a value in every item, found ${shownPairs(piece)}`,
      )
    if (last < 0 && Number(epoch) !== 0)
      throw new UserError(`${what}: expected a value from epoch 0 on, found the first at ${epoch}`)
    if (Number(epoch) <= last) throw new UserError(`${what}: expected epochs that ascend, found ${epoch} after ${last}`)
    last = Number(epoch)
    values[`${last}ep`] = value
  }
  return values
}

const shownPairs = (piece: Record<string, number>): string =>
  Object.entries(piece)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ') || 'none'
