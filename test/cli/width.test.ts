/** @file What a terminal has room for. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from 'markdown-table'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/commands/index.ts'
import { fitting, glossary, inColumns } from '../../src/cli/display/width.ts'
import type { Output } from '../../src/cli/io.ts'
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
  expect(fitting(table, ['second', 'third'], { width: 33 })).toBe(table)
  expect(fitting(table, ['second', 'none', 'third'], { width: 32 })).toBe(
    [
      '| name | first | third |',
      '| :--- | ----: | ----: |',
      '| a    |     1 |   333 |',
      'not shown, for want of room: second (--json has all)',
    ].join('\n'),
  )
  expect(fitting(table, ['second', 'third'], { width: 10 }).split('\n')[0]).toBe('| name | first |')
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
  expect(narrow).toMatch(/^not shown, for want of room: nonzeros from -limit to limit; limit; /m)
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
  for (const line of drawn) expect(line.slice(0, 80)).toMatch(/^(\?|[\d:]+( s)?) left \[.{8}\] epoch \d\/4 /)
})

it('sentences are broken between words in a terminal, and stay whole where there is none', () => {
  const sentence = '  warning: one two three four five six'
  const stream = { isTTY: true, columns: 24 } as Output
  expect(inColumns(sentence, stream).split('\n')).toEqual(['  warning: one two', '    three four five six'])
  expect(inColumns(`| a table | stays as wide as it is |\n${sentence}`, stream).split('\n')).toHaveLength(3)
  expect(inColumns(sentence, { ...stream, isTTY: false } as Output)).toBe(sentence)
})

it.each(['', ...Object.keys(commands)])('espalier %s --help', async (command) => {
  const { stdout } = await espalier([...command.split(' ').filter(Boolean), '--help'], { columns: 80 })
  expect(widest(stdout)).toBeLessThanOrEqual(80)
})

it('list, run, report, inspect, eval, prune, data: nothing but a path of many folders is wider than 80 columns', async () => {
  const cwd = temporaryFolder()
  const run = join(cwd, 'run')
  const recipe = writeTiny(cwd)
  const ways = [
    ['list', 'recipes'],
    ['list', 'methods'],
    ['run', recipe, '--out', run],
    ['run', recipe, '--dry-run'],
    ['report', 'run'],
    ['report', 'run', '--each'],
    ['inspect', run],
    ['inspect', '--program', '--model', 'resnet20'],
    ['eval', run, '--dataset', 'synthetic'],
    ['prune', run, '--method', 'magnitude', '--sparsity', '0.9', '--out', join(cwd, 'pruned.onnx')],
    ['data', 'list'],
  ]
  for (const args of ways) {
    const { code, stdout, stderr } = await espalier(args, { columns: 80, cwd })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor begins with one.
    const lines = `${stdout}\n${stderr}`.split(/\x1b\[[0-9;?]*[A-Za-z]|\n/)
    expect(code, stderr).toBe(0)
    expect(lines.filter((line) => line.length > 80 && !/^\S*\/\S*$/.test(line.trim()))).toEqual([])
  }
})
