/**
 * @file Comments, and the prose of Markdown, have at most 110 columns. Code is Biome's business; tables, code
 * blocks and lines that are long for one word or one command in backticks are left alone.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const COLUMNS = 110
const SLASHES = /^\s*(\/?\*|\/\/)/
const COMMENT = { ts: SLASHES, tsx: SLASHES, mjs: SLASHES, js: SLASHES, c: SLASHES, h: SLASHES, py: /^\s*#/ }

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
for (const file of tracked.split('\n')) {
  const kind = file.slice(file.lastIndexOf('.') + 1)
  if ((kind !== 'md' && !Object.hasOwn(COMMENT, kind)) || !existsSync(file)) continue
  let block = false
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (kind === 'md' && line.trim().startsWith('```')) block = !block
    const columns = [...line].length
    const words = line
      .replace(/`[^`]*`/g, '')
      .trim()
      .split(' ')
    if (columns <= COLUMNS || words.length === 1) continue
    const prose = kind === 'md' ? !block && !/^(\||<| {4})/.test(line) : COMMENT[kind].test(line)
    if (!prose) continue
    console.error(`${file}:${i + 1}: expected at most ${COLUMNS} columns, found ${columns}`)
    process.exitCode = 1
  }
}
