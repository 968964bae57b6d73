/** @file Files that people write: text in UTF-8, YAML, and what is said of those that are neither. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readLabels } from '../../src/data/labels.ts'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { UserError } from '../../src/util/errors.ts'
import { excerpt } from '../../src/util/excerpt.ts'
import { temporaryFolder } from '../cli/temporary.ts'

/** What is said of a file, after its name. */
function problemOf(content: string | Uint8Array, read: (path: string) => unknown = readRecipe): string {
  const path = join(temporaryFolder(), 'own.yaml')
  writeFileSync(path, content)
  try {
    read(path)
  } catch (error) {
    const { message } = error as Error
    expect(error).toBeInstanceOf(UserError)
    expect(message.startsWith(path)).toBe(true)
    return message.slice(path.length)
  }
  throw new Error('nothing was refused')
}

const latin = Buffer.from('summary: caf\xe9', 'latin1')
const utf16 = Buffer.from('\ufeffname: x', 'utf16le')

it.each([latin, utf16])('text that is not UTF-8 is refused', (bytes) => {
  expect(problemOf(bytes)).toBe(' is not text: expected UTF-8, found other bytes')
  expect(problemOf(bytes, readLabels)).toBe(' is not text: expected UTF-8, found other bytes')
})

it('a byte order mark is no part of the text', () => {
  expect(problemOf('\ufeffnames: x')).toMatch(/^: unknown key names|^: name: expected/)
})

it.each<[string, string, string]>([
  ['a text without keys', 'x\x07'.repeat(1000), ': recipe: expected a value of type object, found "x\\u0007x'],
  ['a token that is no YAML', `a: "\\${'\x01'}${'z'.repeat(500)}"`, ' is not valid YAML: Invalid escape sequence'],
  ['a tag', `a: !<${'t'.repeat(500)}> 1\n---\n`, ' is not valid YAML: '],
  ['an alias', `a: *${'b'.repeat(500)}`, ' is not valid YAML: Unresolved alias (the anchor must be set before'],
  ['a directive', `%${'D'.repeat(500)}\n---\n]`, ' is not valid YAML: '],
  ['a key', `${'k\x02'.repeat(500)}: 1`, ': '],
])('of what is no recipe no more than an excerpt is repeated: %s', (_, content, beginning) => {
  const problem = problemOf(content)
  expect(problem.startsWith(beginning), problem).toBe(true)
  expect(problem.length).toBeLessThan(200)
  expect(problem).not.toMatch(/\p{Cc}/u)
})

it('an excerpt is the text, or as much of it as 60 characters hold', () => {
  expect(excerpt('a b')).toBe('a b')
  expect(excerpt('x'.repeat(60))).toBe('x'.repeat(60))
  expect(excerpt('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`)
  expect(excerpt('\x00\x9f\n')).toBe('\\u0000\\u009f\\u000a')
  expect(excerpt('\x00'.repeat(60))).toBe(`${'\\u0000'.repeat(9)}…`)
})
