/**
 * @file Values from files checked against a schema, with one sentence about the first thing that does not
 * fit: the key, what was found, what was expected.
 */
import { z } from 'zod'
import { UserError } from './errors.ts'
import { excerpt } from './excerpt.ts'
import { isNear, suggestion } from './suggest.ts'

/** How messages call the file (`source`) and the value as a whole. */
export interface Called {
  source: string
  whole: string
}

/** The value with every default filled in. Throws UserError. */
export function checkSchema<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  called: Called,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { source, whole } = called
  const [first] = result.error.issues
  const issue = result.error.issues.find((other) => isMisspelt(first, other, value)) ?? first
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    const known = keysAt(schema, issue.path)
    throw new UserError(`${source}: unknown key ${[...issue.path, excerpt(key)].join('.')}${suggestion(key, known)}`)
  }
  throw new UserError(`${source}: ${path || whole}: ${describeIssue(issue, valueAt(value, issue.path))}`)
}

/** A single value with its default filled in; `name` is what messages call it. Throws UserError. */
export function checkValue<Schema extends z.ZodType>(schema: Schema, value: unknown, name: string): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new UserError(`${name}: ${describeIssue(issue, value)}`)
}

/** Whether the key that an issue does not know is meant to be the one that another misses. */
function isMisspelt(missing: z.core.$ZodIssue, unknown: z.core.$ZodIssue, value: unknown): boolean {
  if (unknown.code !== 'unrecognized_keys' || valueAt(value, missing.path) !== undefined) return false
  const beside = String(missing.path.slice(0, -1)) === String(unknown.path)
  return beside && isNear(unknown.keys[0], String(missing.path.at(-1)))
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const found = shown(value)
  if (issue.code === 'invalid_type')
    return `expected ${issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`}, found ${found}`
  if (issue.code === 'too_small')
    return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}, found ${found}`
  if (issue.code === 'too_big')
    return `expected ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}, found ${found}`
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}, found ${found}`
  if (issue.code === 'invalid_format') return `${issue.message}, found ${found}`
  return issue.message
}

/**
 * A value in a message: of a long text its beginning; lists and maps, which may be long or hold themselves,
 * by their kind.
 */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  return typeof value === 'string' ? `"${excerpt(JSON.stringify(value).slice(1, -1))}"` : String(value)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

/** The keys that a schema knows at a path. */
function keysAt(whole: z.ZodType, path: readonly PropertyKey[]): string[] {
  let schema: unknown = whole
  const unwrap = (s: unknown): unknown =>
    s instanceof z.ZodOptional || s instanceof z.ZodDefault ? unwrap(s.unwrap()) : s
  for (const key of path) {
    schema = unwrap(schema)
    if (schema instanceof z.ZodObject) schema = schema.shape[key as string]
  }
  const object = unwrap(schema)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}
