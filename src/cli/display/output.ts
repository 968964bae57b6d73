/**
 * @file How commands speak: plain text for people, one JSON value per line for machines, notes beside either.
 */
import { currentIo } from '../io.ts'
import { inColumns } from './width.ts'

export const print = (text: string): void => {
  const { stdout } = currentIo()
  stdout.write(`${inColumns(text, stdout)}\n`)
}

export const printJson = (value: unknown): void => {
  currentIo().stdout.write(`${JSON.stringify(value)}\n`)
}

/** On standard error, where it is in the way of no table and no JSON. */
export const printNote = (sentence: string): void => {
  const { stderr } = currentIo()
  stderr.write(`${inColumns(`note: ${sentence}`, stderr)}\n`)
}
