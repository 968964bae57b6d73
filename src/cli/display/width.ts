/** @file Text for a terminal of so many columns; 80 where there is none. */
import { currentIo, type Output } from '../io.ts'

/** Columns of a terminal; 80 where there is none. */
export const columnsOf = ({ isTTY, columns }: Output): number => (isTTY && columns) || 80

/** Columns of standard output. */
export const terminalWidth = (): number => columnsOf(currentIo().stdout)

/**
 * Sentences as a terminal has room for them: a longer line is broken between words, and what follows is
 * indented a little more. Rows of tables stay whole, and all of it where there is no terminal: programs that
 * read a sentence expect it on one line.
 */
export function inColumns(text: string, stream: Output): string {
  if (!stream.isTTY) return text
  const width = columnsOf(stream)
  return text.replace(/^(?!\|)( *)(\S.*)$/gm, (line, indent: string, sentence: string) => {
    if (line.length <= width) return line
    const hanging = `${indent}  `
    return indent + wrapped(sentence, width - hanging.length).join(`\n${hanging}`)
  })
}

/**
 * A Markdown table without the columns that the terminal has no room for, and a line that names them.
 * `expendable`: heads of the columns that may go, the first ones first; `elsewhere`: the flag that shows
 * them. What does not fit without them is left as wide as it is.
 */
export function fitting(
  table: string,
  expendable: readonly string[],
  { width = terminalWidth(), elsewhere = '--json' } = {},
): string {
  let rows = table.split('\n').map((line) => line.split('|').slice(1, -1))
  const widthOf = ([head]: typeof rows) => head.reduce((sum, cell) => sum + cell.length + 1, 1)
  const left: string[] = []
  for (const name of expendable) {
    if (widthOf(rows) <= width) break
    const at = rows[0].findIndex((cell) => cell.trim() === name)
    if (at < 0) continue
    rows = rows.map((cells) => cells.toSpliced(at, 1))
    left.push(name)
  }
  const text = rows.map((cells) => `|${cells.join('|')}|`).join('\n')
  return left.length === 0 ? text : `${text}\nnot shown, for want of room: ${left.join('; ')} (${elsewhere} has all)`
}

/** Names with what there is to say of each, in two columns of which the second is wrapped. */
export function glossary(entries: readonly { name: string; summary: string }[], width = terminalWidth()): string {
  const indent = Math.max(...entries.map(({ name }) => name.length)) + 2
  const lines = entries.flatMap(({ name, summary }) =>
    wrapped(summary, Math.max(20, width - indent)).map((line, i) => (i === 0 ? name : '').padEnd(indent) + line),
  )
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** Sentences below a command's flags: each line of `text` is a paragraph. */
export const paragraphs = (text: string, width = terminalWidth()): string =>
  `\n${text
    .split('\n')
    .flatMap((line) => wrapped(line, width))
    .join('\n')}`

/** Lines of at most `width` characters, but for longer words; at least one. */
function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
