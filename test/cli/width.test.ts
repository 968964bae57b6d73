/** @file What a terminal has room for. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from 'markdown-table'
import { expect, it } from 'vitest'
import { fitting, glossary } from '../../src/cli/display/width.ts'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))
const table = markdownTable(
  [
    ['name', 'first', 'second', 'third'],
    ['a', '1', '22', '333'],
  ],
  { align: ['l', 'r', 'l', 'r'] },
)

it('a table loses its columns in their order, and no more than it must', () => {
  expect(widest(table)).toBe(33)
  expect(fitting(table, ['second', 'third'], 33)).toBe(table)
  expect(fitting(table, ['second', 'none', 'third'], 32)).toBe(
    [
      '| name | first | third |',
      '| :--- | ----: | ----: |',
      '| a    |     1 |   333 |',
      'not shown, for want of room: second (--json has all)',
    ].join('\n'),
  )
  expect(fitting(table, ['second', 'third'], 10).split('\n')[0]).toBe('| name | first |')
})

it('explanations are wrapped beside their names', () => {
  const entries = [
    { name: 'a', summary: 'one two three four five six' },
    { name: 'longer', summary: 'a-word-that-does-not-fit-into-it x' },
  ]
  expect(glossary(entries, 28).split('\n')).toEqual([
    'a       one two three four',
    '        five six',
    'longer  a-word-that-does-not-fit-into-it',
    '        x',
  ])
})

it('inspect: 80 columns where there is no terminal, all columns in a wide one', async () => {
  const path = join(temporaryFolder(), 'file.safetensors')
  const values = Float32Array.from({ length: 40 * 784 }, (_, i) => (i % 3 ? Math.sin(i) : 0))
  writeSafetensors(path, { tensors: new Map([['fc1.weight', storeFloats(values, [40, 784])]]), metadata: {} })
  const narrow = (await espalier(['inspect', path])).stdout
  expect(narrow).toMatch(/^\| tensor +\| .* sparsity \|/m)
  expect(narrow).toMatch(/^not shown, for want of room: nonzeros from -limit to limit, limit, /m)
  expect(widest(narrow.split('\n\n')[0].split('\nnot shown')[0])).toBeLessThanOrEqual(80)
  const wide = (await espalier(['inspect', path], { columns: 200 })).stdout
  expect(wide).toMatch(/^\| tensor .* nonzeros from -limit to limit \| limit \|$/m)
  expect(wide).not.toContain('not shown')
})

it('the bar of a run says first how much time is left', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'mark'), '')
  const { stdout } = await espalier(['run', writeTiny(cwd), '--out', join(cwd, 'run')], { columns: 80 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor begins with one.
  const drawn = stdout.split(/\x1b\[[0-9;?]*[A-Za-z]|\n/).filter((text) => text.includes('left ['))
  expect(drawn.length).toBeGreaterThan(0)
  for (const line of drawn) expect(line.slice(0, 80)).toMatch(/^(\?|[\d:]+( s)?) left \[.{10}\] epoch \d\/4 /)
})
