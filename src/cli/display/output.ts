/**
 * @file How commands speak: plain text for people, one JSON value per line for machines.
 */

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const printJson = (value: unknown): void => print(JSON.stringify(value))
