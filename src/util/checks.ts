/**
 * @file What JavaScript lets through where an option has a type: each check is a UserError of one sentence
 * that names the option, what was found and what was expected.
 */
import { UserError } from './errors.ts'
import { suggestion } from './suggest.ts'

/** A value in a message. */
const shown = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : String(value)
}

/** A whole number from `least` to `most`; undefined passes. */
export function checkWhole(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most)) return
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new UserError(`${name}: expected a whole number ${range}, found ${shown(value)}`)
}

/** A finite number that `fits`, which `what` describes; undefined passes. */
export function checkNumber(name: string, value: unknown, what: string, fits: (x: number) => boolean): void {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && fits(value))) return
  throw new UserError(`${name}: expected ${what}, found ${shown(value)}`)
}

export const checkPositive = (name: string, value: unknown): void =>
  checkNumber(name, value, 'a number above 0', (x) => x > 0)
export const checkNotNegative = (name: string, value: unknown): void =>
  checkNumber(name, value, 'a number of at least 0', (x) => x >= 0)
/** From 0 to 1, without 1. */
export const checkShare = (name: string, value: unknown): void =>
  checkNumber(name, value, 'a number from 0 to below 1', (x) => x >= 0 && x < 1)

/** An address of a web server. */
export function checkWebAddress(name: string, value: string): void {
  if (URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)) return
  throw new UserError(`${name}: expected an address that begins with http:// or https://, found ${value || 'nothing'}`)
}

/** One of some names; undefined passes. */
export function checkName(name: string, value: unknown, known: readonly string[]): void {
  if (value === undefined || known.includes(value as string)) return
  const near = typeof value === 'string' ? suggestion(value, known) : ` (known: ${known.join(', ')})`
  throw new UserError(`${name}: there is no ${shown(value)}${near}`)
}

/** The values of what is called so. Throws UserError where one is not finite. */
export function finite<Values extends Float32Array | Float64Array>(what: string, values: Values): Values {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new UserError(`${what} holds ${values[i]} at index ${i}, expected finite values`)
  return values
}
