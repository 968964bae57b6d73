/**
 * @file Texts as data of networks that take tokens: a table (`.csv`) with the columns `text` and `label`, or
 * folders of `.txt` files by class. Both may be in two parts, `train` and `test` (or `val`); else every fifth
 * text is one of the test. Words become tokens as those of `spam-assassin` do.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { grouped } from '../util/format.ts'
import { csvColumns } from './csv.ts'
import type { Dataset } from './dataset.ts'
import { splitOf } from './split.ts'
import { AS_BYTES, type TextSizes, textSplit, tokenized, withoutRepeats } from './text-samples.ts'
import { textTokens } from './text-tokens.ts'

interface NamedText {
  text: string
  label: string
  /** What messages call it. */
  source: string
}

/** Whether a path is a table of texts, or a folder that holds one or `.txt` files by class. */
export function isTexts(path: string): boolean {
  if (!isFolder(path)) return existsSync(path) && isTable(path)
  return partsOf(path) !== undefined || classFolders(path).length > 0
}

/**
 * Loads texts for a network of these sizes. Where they are not in two parts, those that give the same tokens
 * are taken once, with the label of the last, so that no test sample is trained on. Throws UserError where a
 * file is not UTF-8, a table lacks a column, or a text or label is empty.
 */
export function loadTexts(path: string, name: string, sizes: TextSizes): Dataset {
  const parts = partsOf(path)
  const read = (parts ?? [path]).map((part) => (isFolder(part) ? textsOfFolder(part) : textsOfTable(part)))
  for (const text of read.flat()) checkText(text, sizes)
  const classNames = classesOf(read.flat().map(({ label }) => label))
  const [first, second] = read.map((texts) =>
    tokenized(
      texts.map(({ text, label }) => ({ text, label: classNames.indexOf(label) })),
      sizes,
    ),
  )
  const { tokens } = sizes
  const data = { name, classes: classNames.length, classNames, image: [2, 1, tokens] as const, ...AS_BYTES }
  const samples = (texts: typeof first) => textSplit(texts, tokens, classNames.length)
  if (second) return { ...data, train: samples(first), test: samples(second) }
  const different = withoutRepeats(first)
  const left = first.length - different.length
  const { train, test, note } = splitOf(samples(different), 2 * tokens)
  const repeats =
    left > 0 ? [`texts whose first ${tokens} words are the same are taken once, which leaves out ${grouped(left)}`] : []
  return { ...data, train, test, notes: [note, ...repeats] }
}

/** Where training and test texts lie if they are told apart. Throws UserError where the latter lack. */
function partsOf(path: string): [train: string, test: string] | undefined {
  if (!isFolder(path)) return undefined
  const place = (part: string) => {
    const [folder, table] = [join(path, part), join(path, `${part}.csv`)]
    if (isFolder(folder) && classFolders(folder).length > 0) return folder
    return existsSync(table) ? table : undefined
  }
  const train = place('train')
  if (train === undefined) return undefined
  const test = place('test') ?? place('val')
  if (test === undefined) throw new UserError(`${path} has texts in train, but none in test or val`)
  return [train, test]
}

function textsOfTable(path: string): NamedText[] {
  const rows = csvColumns(checked(readText(path), path), path, ['text', 'label'])
  if (rows.length === 0) throw new UserError(`${path} has no texts: expected lines below the first`)
  return rows.map(({ line, text, label }) => ({ text, label: label.trim(), source: `${path}, line ${line}` }))
}

const textsOfFolder = (folder: string): NamedText[] =>
  classFolders(folder).flatMap((label) =>
    textFiles(join(folder, label)).map((path) => ({ text: checked(readText(path), path), label, source: path })),
  )

/** A text without zero bytes, which are valid UTF-8, but a sign of UTF-16. */
function checked(text: string, path: string): string {
  if (text.includes('\0')) throw new UserError(`${path} is not text: expected UTF-8, found zero bytes`)
  return text
}

function checkText({ text, label, source }: NamedText, { vocabulary }: TextSizes): void {
  if (label === '') throw new UserError(`${source}: expected a label, found none`)
  if (textTokens(text, vocabulary).length > 0) return
  const found = text.trim() === '' ? 'none' : JSON.stringify(text.trim().slice(0, 40))
  throw new UserError(`${source}: expected a text with words, found ${found}`)
}

/** The classes in order, of numbers where all are numbers. */
function classesOf(labels: readonly string[]): string[] {
  const names = [...new Set(labels)].sort()
  return names.every((name) => /^\d+$/.test(name)) ? names.sort((a, b) => Number(a) - Number(b)) : names
}

/** The folders in a folder that hold texts, sorted by code unit. */
const classFolders = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.') && isFolder(join(folder, name)) && textFiles(join(folder, name)).length > 0)
    .sort()

const textFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.') && extname(name).toLowerCase() === '.txt')
    .sort()
    .map((name) => join(folder, name))

const isTable = (path: string): boolean => extname(path).toLowerCase() === '.csv'

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory()
