/** @file Recipes of networks with one score per sample: trained, and pruned by every kind of method. */

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { rows } from '../support/breadth.ts'
import { machine } from '../train/small.ts'
import { tiny } from './tiny.ts'

const data = synthetic({ classes: 2, train: 400, test: 200, noise: 0.5 })
const recipe = (prune?: object) =>
  checkRecipe(
    {
      ...tiny,
      model: { name: 'lenet-300-100', classes: 1 },
      data: { name: 'synthetic' },
      prune,
      train: { ...tiny.train, epochs: 4, batch: 20, learningRate: 0.03 },
    },
    'one score',
  )

const measured = { samples: 100 }
const methods: [string, object | undefined][] = [
  ['no pruning', undefined],
  ...['magnitude', 'random', 'synflow'].map((method): [string, object] => [method, {}]),
  ...['snip', 'grad-norm', 'fisher-pruner', 'fts', 'grasp', 'hutch-pruning'].map((method): [string, object] => [
    method,
    { scoring: measured },
  ]),
  ...['obd', 'woodfisher', 'cbs', 'chita', 'falcon'].map((method): [string, object] => [
    method,
    { start: '1ep', secondOrder: { ...measured, judge: 100, stages: 1 } },
  ]),
]
const daily = ['no pruning', 'magnitude', 'snip', 'obd']
it.each(rows(methods, ([name]) => daily.includes(name)))('%s', async (method, settings) => {
  // Searches choose among all weights.
  const scope = ['cbs', 'chita', 'falcon'].includes(method) ? 'global' : 'layerwise'
  const prune = settings && { method, sparsity: 0.8, scope, ...settings }
  const out = temporaryFolder()
  const { result } = await runRecipe(recipe(prune), { machine, data, out })
  expect(result!.final.accuracy).toBeGreaterThan(0.95)
  expect(result!.final.loss).toBeLessThan(0.6)
  expect(result!.sparsity).toBeCloseTo(settings ? 0.8 : 0, 2)
  const { metadata, tensors } = readSafetensors(join(out, 'model.safetensors'))
  expect(metadata).toMatchObject({ model: 'lenet-300-100', classes: '1' })
  expect([...tensors.keys()]).not.toEqual([])
})

it('ten classes are refused, by the run and by its dry run', async () => {
  const message = 'lenet-300-100 tells two classes apart by one score, synthetic has 10'
  await expect(runRecipe(recipe(), { machine, out: temporaryFolder() })).rejects.toThrow(message)
  await expect(dryRun(recipe())).rejects.toThrow(message)
})
