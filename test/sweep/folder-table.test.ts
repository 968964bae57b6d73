/** @file The table of a folder of recipes. */
import { expect, it } from 'vitest'
import type { RunResult } from '../../src/experiment/run/events.ts'
import { folderTable } from '../../src/sweep/folder-table.ts'
import type { Cell } from '../../src/sweep/sweep-file.ts'
import { tinyRecipe } from '../experiment/tiny.ts'

const cell = (file: string, changes: object): Cell => {
  return { name: file, values: { file }, recipe: { ...tinyRecipe(), name: file, ...changes } }
}

const result = (accuracy: number) => ({ final: { accuracy }, sparsity: 0.9 }) as RunResult

/** The lines of the table of means, without their spaces. */
function meansOf(cells: Cell[], accuracies: Record<string, number>): string[] {
  const results = new Map(Object.entries(accuracies).map(([name, accuracy]) => [name, result(accuracy)]))
  const folder = { name: 'folder', keys: ['file'], cells, broken: [], sweeps: [] }
  const [, means = ''] = folderTable(folder, { results, failed: new Map() }).split('\n\n')
  return means.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
}

const alike = [
  cell('a0.json', { seed: 0 }),
  cell('b.json', { seed: 0, summary: 'other' }),
  cell('a42.json', { seed: 42 }),
]

it('files that differ by seed, name and summary have a mean', () => {
  const train = { ...tinyRecipe().train, learningRate: 0.2 }
  const cells = [alike[0], cell('rate.json', { train }), alike[2]]
  const [head, , ...rows] = meansOf(cells, { 'a0.json': 0.9, 'a42.json': 0.92, 'rate.json': 0.5 })
  expect(head).toBe('| files | seeds | mean test accuracy, % |')
  // 90 and 92: a sample deviation of sqrt(2).
  expect(rows).toEqual(['| a0.json, a42.json | 0, 42 | 91.00 ± 1.41 |'])
})

it('says how many of them are done', () => {
  expect(meansOf([alike[0], alike[2]], { 'a42.json': 0.92 }).at(-1)).toBe('| a0.json, a42.json | 0, 42 | 92.00 (1) |')
  expect(meansOf([alike[0], alike[2]], {})).toEqual([''])
  expect(meansOf([alike[0]], { 'a0.json': 0.9 })).toEqual([''])
})

it('two files of one seed are no sample of seeds', () => {
  expect(meansOf(alike, { 'a0.json': 0.9, 'b.json': 0.9, 'a42.json': 0.92 })).toEqual([''])
})
