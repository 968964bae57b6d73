/**
 * @file What a person typed for the keys of a recipe that was made of something else, a configuration or a
 * command line of another program: errors name that, unless a change has set the key.
 */
import { UserError } from '../../util/errors.ts'

/** What was typed, by the recipe's key that it became. */
export type TypedKeys = Readonly<Record<string, string>>

export interface Typed {
  /** What messages begin with: the file, or what a line is called. */
  source: string
  keys: TypedKeys
  /** `key.path=value` changes: who made one speaks of the recipe's key. */
  changes: readonly string[]
}

/**
 * The error, by what was typed where it begins with the source and a key that was; others are as they are.
 */
export function namingTyped(error: unknown, { source, keys, changes }: Typed): unknown {
  const beginning = `${source}: `
  if (!(error instanceof UserError) || !error.message.startsWith(beginning)) return error
  const key = /^[\w.]+(?=: )/.exec(error.message.slice(beginning.length))?.[0]
  const known = key && Object.keys(keys).find((one) => isWithin(key, one))
  if (!known || changes.some((change) => isWithin(known, change.split('=')[0]))) return error
  const rest = error.message.slice(beginning.length + known.length)
  return new UserError(`${beginning}${keys[known]}${rest}`)
}

/** Whether a key is another one or lies below it. */
const isWithin = (key: string, other: string): boolean => key === other || key.startsWith(`${other}.`)
