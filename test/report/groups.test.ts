import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { groupRuns, labelOf, seriesOf } from '../../src/report/groups.ts'
import { groupsTable } from '../../src/report/groups-table.ts'
import { reportOf } from '../../src/report/report.ts'
import { readRuns } from '../../src/report/run.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { type FakeRun, writeRun } from './runs.ts'

const pruned = (changes: object) => ({ prune: { ...tiny.prune, ...changes } })

function written(runs: readonly FakeRun[]): string {
  const folder = temporaryFolder()
  runs.forEach((run, i) => {
    writeRun(join(folder, 'runs', `run-${i}`), run)
  })
  return folder
}

it('runs that differ by seed, summary and what is said about them are one group', () => {
  const runs = [0, 1, 2].map((seed) => ({ recipe: { seed, summary: `seed ${seed}`, about: { cost: `${seed}` } } }))
  const { groups, keys } = groupRuns(readRuns([written(runs)]))
  expect(groups.map((group) => group.runs.length)).toEqual([3])
  expect(keys).toEqual([])
  expect(labelOf(groups[0])).toBe('magnitude, 90 %')
})

it('method and sparsity tell groups apart, other keys only where these do not', () => {
  const rewire = { method: 'dsr', moves: 10, end: '3ep' }
  const dynamic = { prune: { method: 'random', scope: 'layerwise', sparsity: 0.98 }, rewire }
  const { groups, keys } = groupRuns(
    readRuns([
      written([
        { recipe: pruned({ sparsity: 0.5 }) },
        { recipe: pruned({ sparsity: 0.9 }) },
        { recipe: dynamic },
        { recipe: { name: 'dense', prune: undefined, train: { ...tiny.train, learningRate: 0.1 } } },
      ]),
    ]),
  )
  expect(keys).toEqual([])
  expect(groups.map(labelOf)).toEqual(['magnitude, 50 %', 'magnitude, 90 %', 'dsr, 98 %', 'dense'])
})

it('a sweep over any key: those that are needed, and no others', () => {
  const runs = [0.1, 0.2].flatMap((learningRate) =>
    // The second key always goes with the first: it adds nothing.
    [0, 1].map((seed) => ({
      recipe: { seed, train: { ...tiny.train, learningRate, weightDecay: learningRate / 100 } },
    })),
  )
  const { groups, keys } = groupRuns(readRuns([written(runs)]))
  expect(keys).toEqual(['train.learningRate'])
  expect(groups.map((group) => [seriesOf(group), group.runs.length])).toEqual([
    ['magnitude, 0.1', 2],
    ['magnitude, 0.2', 2],
  ])
})

it('recipes of the same method and sparsity go by their names, without what these share', () => {
  const names = ['lenet-5-ticket-gsm', 'lenet-5-ticket-magnitude', 'lenet-5-tickets'].map((name) => ({
    recipe: { name },
  }))
  const { groups, keys } = groupRuns(readRuns([written(names)]))
  expect(keys).toEqual(['name'])
  expect(groups.map(seriesOf)).toEqual(
    ['ticket-gsm', 'ticket-magnitude', 'tickets'].map((name) => `magnitude, ${name}`),
  )
})

it('names that go with the seed, as of files copied for every seed, make no groups', () => {
  const named = (name: string, seed: number, changes: object = {}) => ({ recipe: { name, seed, ...changes } })
  const layerwise = pruned({ scope: 'layerwise' })
  const runs = [named('exp_snip_0', 0), named('exp_snip_42', 42), named('exp_layer_0', 0, layerwise)]
  const { groups } = groupRuns(readRuns([written(runs)]))
  expect(groups.map((group) => [group.runs.map(({ recipe }) => recipe.seed), seriesOf(group)])).toEqual([
    [[0, 42], 'magnitude, exp_snip'],
    [[0], 'magnitude, exp_layer_0'],
  ])
  // Two runs of one seed are no sample of seeds.
  const twice = groupRuns(readRuns([written([...runs, named('exp_other', 42)])]))
  expect(twice.groups.map((group) => group.runs.length)).toEqual([1, 1, 1, 1])
  expect(groupRuns(readRuns([written(runs)]), { each: true }).groups).toHaveLength(3)
})

it('files that runs of the same folder left are the same for every seed', () => {
  const folder = temporaryFolder()
  for (const seed of [0, 1]) {
    const weights = join(folder, `seed-${seed}`, 'base', 'snapshot.safetensors')
    writeRun(join(folder, `seed-${seed}`, 'ticket'), { recipe: { seed, model: { ...tiny.model, weights } } })
  }
  expect(groupRuns(readRuns([folder])).groups).toHaveLength(1)
})

it('means, sample deviations and what is published, over complete runs', () => {
  const about = {
    published: [
      { value: 93.1, deviation: 0.2, where: { 'prune.sparsity': 0.9 } },
      { value: 12, where: { 'prune.sparsity': 0.5 } },
      { value: 93.2, where: { 'prune.sparsity': 0.9 }, source: 'elsewhere' },
    ],
  }
  const runs = [0.9, 0.92, undefined].map((accuracy, seed) => ({ accuracy, recipe: { seed, about } }))
  const { columns, rows } = groupsTable(groupRuns(readRuns([written(runs)])))
  const cell = (name: string) => rows[0][columns.findIndex((column) => column.name === name)]
  expect(rows).toHaveLength(1)
  expect(cell('runs')).toBe('2 of 3')
  expect(cell('asked for')).toBe('90 %')
  // 90 and 92: a sample deviation of sqrt(2).
  expect(cell('test accuracy, %')).toEqual({ mean: expect.closeTo(91), deviation: expect.closeTo(Math.SQRT2) })
  expect(cell('published, %')).toBe('93.1 ± 0.2; 93.2 (elsewhere)')
  // All of MLPNet's parameters are prunable.
  expect(cell('sparsity, %')).toEqual({ mean: expect.closeTo(90), deviation: 0 })
  expect(cell('of all, %')).toEqual(cell('sparsity, %'))
  // Two operations for each of 3,236 weights.
  expect(cell('MFLOP')).toBeCloseTo(0.006472)
  expect(cell('before pruning, %')).toMatchObject({ mean: expect.closeTo(95) })
})

it('says which runs are not complete; a single run has no deviation', () => {
  const report = reportOf([written([{ accuracy: 0.9 }, { recipe: pruned({ sparsity: 0.5 }) }])])
  expect(report.notes.at(-1)).toMatch(/^1 of 2 runs is not complete .*run-1\.$/)
  expect(report.means.rows.map((row) => row[2])).toEqual([1, '0 of 1'])
  const at = report.means.columns.findIndex(({ name }) => name === 'test accuracy, %')
  expect(report.means.rows.map((row) => row[at])).toEqual([{ mean: 90 }, undefined])
  expect(report.each.rows).toHaveLength(2)
})

it('the network before pruning is nothing to compare with where its weights are random', () => {
  const report = reportOf([
    written([{ accuracy: 0.9, dense: 0.1, recipe: pruned({ schedule: 'one-shot', start: '0it' }) }]),
  ])
  expect(report.means.columns.map(({ name }) => name)).not.toContain('before pruning, %')
})

it('a folder given twice, or inside another one, counts once', () => {
  const folder = written([{ accuracy: 0.9 }])
  expect(readRuns([folder, join(folder, 'runs', 'run-0'), folder])).toHaveLength(1)
})

it('a run without a recipe is refused', () => {
  const folder = temporaryFolder()
  writeRun(folder, {})
  rmSync(join(folder, 'recipe.yaml'))
  expect(() => readRuns([folder])).toThrow(UserError)
  expect(() => readRuns([folder])).toThrow(/ holds no run: there is a metrics\.jsonl in it, but no recipe\.yaml$/)
})

it('a row for each run has the means of its last ten tests: top-1, top-5 and loss', () => {
  const tests = Array.from({ length: 12 }, (_, i) => (i < 2 ? 0 : (80 + i) / 100))
  const folder = written([{ accuracy: 0.9, epochs: 12, tests, keptEpoch: 7 }, { accuracy: 0.8 }])
  const { each, notes } = reportOf([folder])
  const cell = (row: number, column: string) => each.rows[row][each.columns.findIndex(({ name }) => name === column)]
  // 0.82, 0.83, ... 0.91.
  expect(cell(0, 'last 10 tests, %')).toEqual({ mean: expect.closeTo(86.5) })
  expect(cell(0, 'last 10 top-5, %')).toEqual({ mean: 100 })
  expect(cell(0, 'last 10 test losses')).toEqual({ mean: expect.closeTo(0.135) })
  expect(cell(1, 'last 10 tests, %')).toBeUndefined()
  expect(['top-5, %', 'precision, %', 'recall, %', 'F1, %'].map((column) => cell(0, column))).toEqual(
    [99, 80, 70, 75].map((mean) => ({ mean: expect.closeTo(mean) })),
  )
  expect(notes.join(' ')).toMatch(/evaluated while training, too, in some runs/)
  expect(notes.join(' ')).toMatch(/In 1 of 2 runs the network is that of the best epoch by held-out samples/)
})
