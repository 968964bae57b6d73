/**
 * @file Files of JSON that carry a hash of what they say, so that one that was changed afterwards is noticed.
 * Nothing in them is trusted: they may come from anybody.
 */
import { statSync } from 'node:fs'
import { z } from 'zod'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { sha256 } from '../util/sha256.ts'

/** The most bytes of a file that is read: a hundred times what a large network needs. */
const MOST = 4e6

/** A SHA-256 in hexadecimal digits. */
export const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')

/**
 * Text of a line that neither Markdown nor a terminal takes for anything else. `signs`: those that it may
 * have beside letters and digits.
 */
export const plainText = (most: number, signs = ' .,()@/+:_-'): z.ZodString =>
  z.string().regex(pattern(most, signs), `expected at most ${most} ${charactersIn(signs)}`)

const charactersIn = (signs: string) =>
  `letters, digits${signs.includes(' ') ? ', spaces' : ''} and ${signs.replaceAll(' ', '')}`

const pattern = (most: number, signs: string) =>
  new RegExp(`^[A-Za-z0-9${signs.replace(/[\]\\/^-]/g, '\\$&')}]{1,${most}}$`)

/** What {@link plainText} takes of any text: other characters become spaces. */
export const plain = (text: string, most: number): string =>
  text
    .replace(/[^A-Za-z0-9 .,()@/+:_-]+/g, ' ')
    .trim()
    .slice(0, most)
    .trim() || 'unknown'

/** What a file says, with the hash of it. */
export const sealed = <T extends object>(value: T): T & { digest: string } => ({ ...value, digest: digestOf(value) })

/** The text of a file. */
export const sealedText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Reads a file whose schema has the key `digest`. Throws UserError where it is too large, no JSON, does not
 * fit the schema, or was changed after it was written.
 */
export function readSealed<Schema extends z.ZodType<{ digest: string }>>(
  path: string,
  schema: Schema,
  whole: string,
): z.output<Schema> {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
  if (size > MOST) throw new UserError(`${path}: expected a ${whole} of at most ${MOST} bytes, found ${size}`)
  const text = readText(path)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UserError(`${path} is no ${whole}: expected JSON`)
  }
  const checked = checkSchema(schema, value, { source: path, whole })
  const { digest, ...rest } = checked
  if (digestOf(rest) !== digest)
    throw new UserError(`${path} was changed after it was written: its digest is not that of what it says`)
  return checked
}

const digestOf = (value: object): string => sha256([canonical(value)])

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)}}`
}
