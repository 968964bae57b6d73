/**
 * @file Parsers of flags, for commander. Each is given the flag, which its error names: a UserError, one
 * sentence with what was expected and what was found.
 */
import { checkWebAddress } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'

/** What makes a flag's value of its text. */
export type Parser<T> = (text: string) => T

/** A whole number from `least` to `most`. Throws UserError that names the flag. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new UserError(`${flag}: expected a whole number from ${grouped(least)} to ${grouped(most)}, found ${text}`)
}

/** A whole number from `least` to `most`. */
export const whole =
  (flag: string, least: number, most: number): Parser<number> =>
  (text) =>
    wholeNumber(flag, text, least, most)

/** Whole numbers, comma separated. */
export const wholeList =
  (flag: string, least: number, most: number): Parser<number[]> =>
  (text) =>
    text.split(',').map((part) => wholeNumber(flag, part.trim(), least, most))

/** Any number of 0 or more. */
export const notNegative =
  (flag: string): Parser<number> =>
  (text) => {
    const number = Number(text)
    if (text.trim() !== '' && number >= 0) return number
    throw new UserError(`${flag}: expected a number of 0 or more, found ${text}`)
  }

/** Rows and columns of images. */
export const pixels =
  (flag: string): Parser<number> =>
  (text) => {
    if (/^[1-9]\d*$/.test(text)) return Number(text)
    throw new UserError(`${flag}: expected a whole number of pixels above 0, found ${text}`)
  }

/** An address of a web server. */
export const webAddress =
  (flag: string): Parser<string> =>
  (text) => {
    checkWebAddress(flag, text)
    return text
  }

/** The values of a flag that may be given several times, in their order. */
export const repeated = (text: string, before: readonly string[]): string[] => [...before, text]
