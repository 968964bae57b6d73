/**
 * @file Types of values that several schemas share: each says what was found and what was expected, in the
 * words that {@link checkSchema} puts into one sentence.
 */
import { z } from 'zod'
import { shown } from './check-schema.ts'
import { isDuration } from './duration.ts'
import { suggestion } from './suggest.ts'

/** A value that `fits`; `message` says of another what was found and expected. */
export const checkedBy = <T>(fits: (value: unknown) => boolean, message: (value: unknown) => string): z.ZodType<T, T> =>
  z.custom<T>(fits, { error: ({ input }) => message(input) })

/** One of the names of a record, or one that `isOther` says is one, too. */
export const nameIn = <T extends string>(
  known: Readonly<Record<T, unknown>>,
  isOther: (name: string) => boolean = () => false,
): z.ZodType<T, T> =>
  checkedBy<T>(
    (name) => typeof name === 'string' && (Object.hasOwn(known, name) || isOther(name)),
    (name) =>
      typeof name === 'string'
        ? `found ${name}${suggestion(name, Object.keys(known))}`
        : `expected a value of type string, found ${shown(name)}`,
  ).meta({ enum: Object.keys(known) })

/** A length of time in training, such as 4ep or 500it. */
export const duration = checkedBy<string>(
  (value) => typeof value === 'string' && isDuration(value),
  (value) => `expected a duration such as 4ep or 500it, found ${shown(value)}`,
)

/** A whole number of at least 0, or at least 1. */
export const count = z.int().min(0)
export const positive = z.int().min(1)
