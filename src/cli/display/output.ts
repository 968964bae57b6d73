/**
 * @file How commands speak: plain text for people, one JSON value per line for machines, notes beside either.
 */
import { currentIo } from '../io.ts'

export const print = (text: string): void => {
  currentIo().stdout.write(`${text}\n`)
}

export const printJson = (value: unknown): void => print(JSON.stringify(value))

/** On standard error, where it is in the way of no table and no JSON. */
export const printNote = (sentence: string): void => {
  currentIo().stderr.write(`note: ${sentence}\n`)
}
