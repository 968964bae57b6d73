/** @file The Markdown documents of the project, as their tests read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './cli/cli.ts'

const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))

/** The paths of all documents, relative to the project. */
export const documents: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/results'),
]

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** The fenced blocks of a document in a language, in order. */
export const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code)

/** Every `espalier` command in the shell blocks of a document, as its arguments. */
export function commands(text: string): string[][] {
  const lines = blocks(text, 'sh').flatMap((block) => block.split('\n'))
  return lines
    .filter((line) => line.startsWith('npx espalier '))
    .map((line) =>
      line
        .replace(/ +# .*$/, '')
        .split(/ +/)
        .slice(2),
    )
}
