import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { RunResult } from '../../src/experiment/run/events.ts'
import { accuracyTable } from '../../src/sweep/summary.ts'
import { readSweep } from '../../src/sweep/sweep-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny, writeTiny } from '../experiment/tiny.ts'

/** Writes a sweep over the tiny recipe; beside it lies one with a ticket. */
function written(value: object): string {
  const folder = temporaryFolder()
  writeTiny(folder)
  const { prune: _, ...dense } = tiny
  writeFileSync(join(folder, 'ticket.yaml'), stringify({ ...dense, ticket: { ratio: 10, masks: ['magnitude'] } }))
  const path = join(folder, 'sweep.yaml')
  writeFileSync(path, stringify({ name: 'tiny-sweep', recipe: 'tiny.yaml', ...value }))
  return path
}

const grid = { 'prune.method': ['random', 'magnitude'], 'prune.sparsity': [0.5, 0.9], seed: [0, 7] }

it('a run for every combination, the last key changing fastest', () => {
  const { cells, keys } = readSweep(written({ grid, set: { 'train.epochs': 2 } }), ['train.batch=64'])
  expect(keys).toEqual(['prune.method', 'prune.sparsity', 'seed'])
  expect(cells.map(({ name }) => name)).toEqual([
    'random-0.5-0',
    'random-0.5-7',
    'random-0.9-0',
    'random-0.9-7',
    'magnitude-0.5-0',
    'magnitude-0.5-7',
    'magnitude-0.9-0',
    'magnitude-0.9-7',
  ])
  const [, { recipe }] = cells
  expect([recipe.seed, recipe.prune?.method, recipe.prune?.sparsity]).toEqual([7, 'random', 0.5])
  expect([recipe.train.epochs, recipe.train.batch]).toEqual([2, 64])
})

it('the recipe may be named by its absolute path', () => {
  const recipe = writeTiny(temporaryFolder())
  expect(readSweep(written({ recipe, grid: { seed: [3] } })).cells.map(({ recipe: own }) => own.seed)).toEqual([3])
})

it.each([
  [
    'a key that no recipe has',
    { grid: { 'prune.sparsty': [0.5] } },
    /sweep\.yaml: run 0\.5: .*unknown key prune\.sparsty \(did you mean sparsity\?\)/,
  ],
  [
    'a value that does not fit',
    { grid: { 'prune.sparsity': [0.5, 1.5] } },
    /prune\.sparsity: expected less than 1, found 1\.5/,
  ],
  ['equal values', { grid: { seed: [1, 1] } }, /grid: two runs are called 1/],
  ['an empty list', { grid: { seed: [] } }, /grid\.seed: expected at least 1, found a list/],
  ['no keys', { grid: {} }, /grid: expected at least one key/],
  [
    'too many runs',
    {
      grid: {
        seed: Array.from({ length: 1000 }, (_, i) => i),
        'train.epochs': Array.from({ length: 1000 }, (_, i) => i),
      },
    },
    /expected at most 100000 runs, found 1000000/,
  ],
  ['an unknown key', { grid, nets: 1 }, /unknown key nets/],
  [
    'a recipe of several runs',
    { grid: { seed: [1] }, recipe: 'ticket.yaml' },
    /ticket\.yaml: ticket: a sweep takes recipes of one run/,
  ],
  [
    'a recipe that is not there',
    { grid, recipe: 'none.yaml' },
    /cannot read .*none\.yaml: there is no such file or folder/,
  ],
])('refused: %s', (_, value, message) => {
  const read = () => readSweep(written(value))
  expect(read).toThrow(UserError)
  expect(read).toThrow(message)
})

/** Aliases of aliases: ten to the power of nine values. */
const bomb = Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [${i ? Array(10).fill(`*a${i - 1}`) : 1}]`).join('\n')

it.each([
  ['aliases that multiply', bomb, 'is not valid YAML: Excessive alias count indicates a resource exhaustion attack'],
  ['an alias of nothing', 'recipe: *none', 'Unresolved alias (the anchor must be set before the alias): none'],
  ['Latin-1', Buffer.from('summary: caf\xe9', 'latin1'), 'is not text: expected UTF-8, found other bytes'],
  ['no map', '- a', 'sweep: expected a value of type object, found a list'],
])('refused as no sweep file, in a sentence with its name: %s', (_, content, message) => {
  const path = join(temporaryFolder(), 'sweep.yaml')
  writeFileSync(path, content)
  expect(() => readSweep(path)).toThrow(UserError)
  expect(() => readSweep(path)).toThrow(message)
  expect(() => readSweep(path)).toThrow(path)
})

it('many values of a single key are rows', () => {
  const seeds = Array.from({ length: 9 }, (_, i) => i / 10)
  const sweep = readSweep(written({ grid: { 'prune.sparsity': seeds } }))
  const result = { final: { accuracy: 0.9 } } as unknown as RunResult
  const table = accuracyTable(sweep, new Map([['0.3', result]]))
  const rows = table.split('\n').map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  )
  expect(rows[0]).toEqual(['prune.sparsity', 'accuracy'])
  expect(rows.slice(2)).toEqual(seeds.map((sparsity) => [String(sparsity), sparsity === 0.3 ? '90.00' : '']))
})

it('means and deviations over seeds, the last key as columns', () => {
  const sweep = readSweep(written({ grid }))
  const result = (accuracy: number, constant?: true) => ({ final: { accuracy, constant } }) as unknown as RunResult
  const results = new Map([
    ...([
      ['random-0.5-0', result(0.9)],
      ['random-0.5-7', result(0.92)],
      ['magnitude-0.5-0', result(0.95)],
    ] as const),
    ...([
      ['magnitude-0.9-0', result(0.1, true)],
      ['magnitude-0.9-7', result(0.1, true)],
    ] as const),
  ])
  const cells = accuracyTable(sweep, results)
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  expect(cells[0]).toEqual(['prune.method', 'sparsity 0.5', 'sparsity 0.9'])
  expect(cells.slice(2)).toEqual([
    ['random', '91.00 ± 1.41', ''],
    ['magnitude', '95.00 (1)', '10.00 ± 0.00 !'],
  ])
})
