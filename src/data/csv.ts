/**
 * @file Tables of values with commas between them (RFC 4180): fields may stand in double quotes, within which
 * commas, line breaks and doubled quotes are part of them. The first record names the columns.
 */
import { UserError } from '../util/errors.ts'

export interface CsvRecord {
  /** The line of the file that it begins on, from 1 on. */
  line: number
  /** As they stand, spaces included. */
  fields: string[]
}

const BREAK = /\r\n|\n|\r/y
const BREAKS = /\r\n|\n|\r/g
const BARE = /[^,\r\n]*/y

/**
 * The records of a table in order, without empty lines. Throws UserError, which calls the file `path`, where
 * quotes are not closed or stand beside other characters.
 */
export function csvRecords(text: string, path: string): CsvRecord[] {
  const records: CsvRecord[] = []
  let [at, line] = [0, 1]
  const fail = (why: string, where = line): never => {
    throw new UserError(`${path}, line ${where}: ${why}`)
  }
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }
  const bare = (): string => {
    const value = take(BARE)
    if (value.includes('"')) fail('found a quote within a field, expected the field in quotes and that quote doubled')
    return value
  }
  const quoted = (): string => {
    const parts: string[] = []
    do {
      const end = text.indexOf('"', at + 1)
      if (end < 0) fail('found a quote that is not closed, expected another one behind the field')
      parts.push(text.slice(at + 1, end))
      at = end + 1
    } while (text[at] === '"')
    return parts.join('"')
  }
  while (at < text.length) {
    const [start, record]: [number, CsvRecord] = [at, { line, fields: [] }]
    for (;;) {
      const value = text[at] === '"' ? quoted() : bare()
      record.fields.push(value)
      line += value.match(BREAKS)?.length ?? 0
      if (text[at] !== ',') break
      at++
    }
    if (text.slice(start, at).trim() !== '') records.push(record)
    if (at < text.length && take(BREAK) === '')
      fail(`found ${text[at]} behind a closing quote, expected a comma or the end of the line`)
    line++
  }
  return records
}

/**
 * The values of some columns, by record. Throws UserError where a column is missing, or a record has another
 * number of fields than the first.
 */
export function csvColumns<Name extends string>(
  text: string,
  path: string,
  columns: readonly Name[],
): ({ line: number } & Record<Name, string>)[] {
  const [header, ...records] = csvRecords(text, path)
  const names = header?.fields.map((name) => name.trim().toLowerCase()) ?? []
  const places = columns.map((name) => names.indexOf(name))
  const missing = columns.find((_, i) => places[i] < 0)
  if (missing !== undefined)
    throw new UserError(
      `${path} has no column ${missing}: expected a first line with ${columns.join(' and ')}, found ${names.join(', ').slice(0, 80) || 'none'}`,
    )
  return records.map(({ line, fields }) => {
    if (fields.length !== names.length)
      throw new UserError(
        `${path}, line ${line}: expected ${names.length} fields as in the first line, found ${fields.length}`,
      )
    const values = Object.fromEntries(columns.map((name, i) => [name, fields[places[i]]])) as Record<Name, string>
    return Object.assign({ line }, values)
  })
}
