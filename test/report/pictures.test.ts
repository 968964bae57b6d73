/**
 * @file What pictures show: the numbers behind them. That they can be drawn and seen is tested with the page.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunResult } from '../../src/experiment/run/events.ts'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { groupRuns, type RunGroup } from '../../src/report/groups.ts'
import { accuracyPicture } from '../../src/report/pictures/accuracy.ts'
import { costPicture } from '../../src/report/pictures/cost.ts'
import { draw, type Picture } from '../../src/report/pictures/draw.ts'
import { picturesOf } from '../../src/report/pictures/index.ts'
import { layersPicture } from '../../src/report/pictures/layers.ts'
import { masksPicture } from '../../src/report/pictures/masks.ts'
import { partingPicture } from '../../src/report/pictures/parting.ts'
import { trainingPicture } from '../../src/report/pictures/training.ts'
import { weightsPicture } from '../../src/report/pictures/weights.ts'
import { readRuns } from '../../src/report/run.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { type FakeRun, writeRun } from './runs.ts'

function groupsOf(runs: readonly FakeRun[]): readonly RunGroup[] {
  const folder = temporaryFolder()
  runs.forEach((run, i) => {
    writeRun(join(folder, `run-${i}`), run)
  })
  return groupRuns(readRuns([folder])).groups
}

type Values = Record<string, unknown>[]
const valuesOf = (picture: Picture | undefined) =>
  (picture!.spec as unknown as { data: { values: Values } }).data.values
const sparser = { prune: { ...tiny.prune, sparsity: 0.95 } }

it('accuracy: a point for each group, between its deviations', () => {
  const groups = groupsOf([
    { accuracy: 0.9 },
    { accuracy: 0.92, recipe: { seed: 1 } },
    { accuracy: 0.8, recipe: sparser, kept: [1568, 40, 10] },
    { recipe: { prune: { ...tiny.prune, sparsity: 0.5 } } },
  ])
  expect(valuesOf(accuracyPicture(groups))).toEqual([
    {
      series: 'magnitude',
      density: expect.closeTo(0.1),
      accuracy: expect.closeTo(91),
      low: expect.closeTo(91 - Math.SQRT2),
      high: expect.closeTo(91 + Math.SQRT2),
    },
    { series: 'magnitude', density: expect.closeTo(0.05), accuracy: 80, low: 80, high: 80 },
  ])
  expect(accuracyPicture(groups.slice(0, 1))).toBeUndefined()
})

it('training: means over the seeds that have got so far', () => {
  const values = valuesOf(trainingPicture(groupsOf([{ epochs: 2 }, { epochs: 3, recipe: { seed: 1 } }])))
  expect(values.map(({ epoch, loss, accuracy }) => [epoch, loss, accuracy])).toEqual([
    [1, 1, expect.closeTo(60)],
    [2, 1 / 2, expect.closeTo(70)],
    [3, 1 / 3, expect.closeTo(80)],
  ])
  expect(trainingPicture(groupsOf([{ epochs: 1 }]))).toBeUndefined()
})

it('parting of the weights: of runs of Global Sparse Momentum only', () => {
  const groups = groupsOf([
    { vanished: [0.2, 0.7, 0.9] },
    { vanished: [0.4, 0.8, 0.9], recipe: { seed: 1 } },
    { recipe: sparser },
  ])
  const values = valuesOf(partingPicture(groups))
  expect(values.map(({ epoch, vanished, overlap }) => [epoch, vanished, overlap])).toEqual([
    [1, expect.closeTo(30), 50],
    [2, expect.closeTo(75), 50],
    [3, expect.closeTo(90), 50],
  ])
  expect(partingPicture(groupsOf([{}, { recipe: sparser }]))).toBeUndefined()
})

it('layers and cost: shares of what is dense', () => {
  const groups = groupsOf([{ accuracy: 0.9 }, { accuracy: 0.9, recipe: { seed: 1 }, kept: [0, 80, 200] }])
  expect(valuesOf(layersPicture(groups)).map(({ layer, density, text }) => [layer, density, text])).toEqual([
    ['fc1', 5, '5.0'],
    ['fc2', 10, '10'],
    ['fc3', 55, '55'],
  ])
  // 3,236 and 280 of 32,360 weights.
  expect(valuesOf(costPicture(groups))[0]).toMatchObject({
    mean: 12,
    dense: 0.06472,
    flops: expect.closeTo(0.003516),
    share: '5.4 % of dense',
  })
})

it('weights: every nonzero weight is in a bin, before and after', async () => {
  const values = valuesOf(await weightsPicture(groupsOf([{ accuracy: 0.9, weights: true }])))
  const count = (when: string) =>
    values.filter((bin) => bin.when === when).reduce((sum, bin) => sum + Number(bin.count), 0)
  expect([count('before pruning'), count('at the end')]).toEqual([32_360, 3_236])
  expect(await weightsPicture(groupsOf([{ accuracy: 0.9 }]))).toBeUndefined()
})

type Grids = { concat: { data: { values: { row: number; column: number; kept: number }[] } }[] }

it('masks of linear layers: the share of units that look at a pixel', async () => {
  const picture = await masksPicture(groupsOf([{ accuracy: 0.9, weights: true }]))
  const [grid] = (picture!.spec as unknown as Grids).concat
  // Every tenth of 40 x 784 weights: 784 u + p is a multiple of ten for each fifth unit, where p is even, and
  // never else.
  expect(grid.data.values).toHaveLength(392)
  expect(new Set(grid.data.values.map(({ kept }) => kept))).toEqual(new Set([8 / 40]))
  expect(grid.data.values[0]).toMatchObject({ row: 0, column: 0 })
})

it('masks of convolutions: kernels side by side with a line between them', async () => {
  const folder = temporaryFolder()
  const values = new Float32Array(500)
  // The last place of kernel 9, which is the second one of the second row.
  values[9 * 25 + 24] = 1
  const tensors = new Map([['conv1.weight', storeFloats(values, [20, 1, 5, 5])]])
  writeSafetensors(join(folder, 'model.safetensors'), { tensors, metadata: {} })
  const run = {
    folder,
    recipe: checkRecipe({ ...tiny, model: { name: 'lenet-5' } }, 'recipe'),
    epochs: [],
    last: { folder, epochs: 0, averaged: 0 },
    result: { layers: [{ name: 'conv1.weight', size: 500, kept: 1, effective: 1 }] } as unknown as RunResult,
  }
  const picture = await masksPicture(groupRuns([run]).groups)
  const [grid] = (picture!.spec as unknown as Grids).concat
  expect(grid.data.values).toEqual([{ row: 6 + 4, column: 6 + 4, kept: 1 }])
})

it('what a run lacks is left out, and text is no markup', async () => {
  const recipe = { name: 'a', model: { ...tiny.model }, data: { ...tiny.data, name: '<b>&' } }
  const groups = groupsOf([
    { epochs: 2, recipe },
    { epochs: 2, recipe: { ...recipe, data: { ...recipe.data, name: '"' } } },
  ])
  const pictures = await picturesOf(groups)
  expect(pictures.map(({ name }) => name)).toEqual(['training'])
  const svg = await draw(pictures[0])
  expect(svg).toContain('&lt;b&gt;&amp;')
  expect(svg).not.toContain('<b>')
})
