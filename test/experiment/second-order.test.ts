/**
 * @file Second-order pruning in recipes: blocks, memory, new statistics, what is said while it goes on, and
 * what is refused.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { modelOf } from '../../src/experiment/plan/network.ts'
import { pruningPlan } from '../../src/experiment/plan/pruning.ts'
import { checkRecipe, readRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { methods } from '../../src/methods/index.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { machine } from '../train/small.ts'
import { tiny } from './tiny.ts'

const recipeOf = (secondOrder: object, { method = 'woodfisher', model = 'mlpnet' } = {}) => {
  const prune = {
    method,
    sparsity: 0.8,
    start: '1ep',
    secondOrder: { samples: 50, judge: 200, stages: 1, polish: 0, ...secondOrder },
  }
  return checkRecipe({ ...tiny, model: { name: model }, train: { ...tiny.train, epochs: 1 }, prune }, 'tiny')
}

async function run(...args: Parameters<typeof recipeOf>) {
  const events: RunEvent[] = []
  const onEvent = (event: RunEvent) => events.push(event)
  const { result } = await runRecipe(recipeOf(...args), { machine, out: temporaryFolder(), onEvent })
  return { result: result!, events }
}

it('blocks of so many weights, in little memory, with the progress of every phase', async () => {
  const free = await run({ blocks: 700, miniBatch: 2 })
  expect(free.result.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(6472)
  const bound = await run({ blocks: 700, miniBatch: 2, memory: 0.004 })
  expect(bound.result.final).toEqual(free.result.final)
  const texts = bound.events.flatMap((event) => (event.type === 'pruning' ? [`${event.phase}: ${event.text}`] : []))
  expect(texts.filter((text) => /^gradients: part \d of 2, 50 of 50/.test(text))).toHaveLength(4)
  expect(texts.some((text) => /^inverse: part 2 of 2, (\d+) of \1 weights$/.test(text))).toBe(true)
})

it('refreshBatchNorm: new statistics after an event, reported with the losses before and after', async () => {
  const { events } = await run({ refreshBatchNorm: 400 }, { model: 'mnist-mlp-bn' })
  const [event] = events.flatMap((one) => (one.type === 'prune' ? [one] : []))
  expect(event.statistics).toMatchObject({ images: 400 })
  expect(event.statistics!.after).not.toBe(event.statistics!.before)
  expect(events).toContainEqual({ type: 'pruning', phase: 'statistics', text: '400 of 400 images', share: 1 })
})

it.each<[object, string, RegExp]>([
  [{ rho: 0 }, 'cbs', /^tiny: prune.secondOrder.rho: expected at least 1, found 0$/],
  [{ tau: -1 }, 'cbs', /^tiny: prune.secondOrder.tau: expected at least 1, found -1$/],
  [{ epsilon: 0 }, 'cbs-select', /^tiny: prune.secondOrder.epsilon: expected more than 0, found 0$/],
  [{ patience: 1 }, 'cbs', /^tiny: prune.secondOrder.patience: expected at least 2, found 1$/],
  [{ candidates: 0 }, 'cbs', /^tiny: prune.secondOrder.candidates: expected at least 1, found 0$/],
  [{ scale: 1.5 }, 'cbs', /^tiny: prune.secondOrder.scale: expected at most 1, found 1.5$/],
  [{ scale: 'some' }, 'cbs', /^tiny: prune.secondOrder.scale: expected search or a number from 0 to 1, found "some"$/],
  [{ search: 'local' }, 'cbs', /^tiny: prune.secondOrder.search: expected one of none, global, layer, found "local"$/],
  [{ update: 'multiple' }, 'kfac', /prune.secondOrder.update: kfac has no inverse of the kept weights alone/],
  [{ blocks: 'layer' }, 'kfac', /^tiny: prune.secondOrder.blocks: kfac has no use for it/],
  [{ start: 3 }, 'cbs', /^tiny: prune.secondOrder.start: expected random-magnitude, .* or a file, found 3$/],
  [
    { search: 'none', tau: 3 },
    'cbs',
    /^tiny: prune.secondOrder.tau: cbs with search none has no use for it, expected no such setting$/,
  ],
  [
    { update: 'none', scale: 1 },
    'cbs-update',
    /prune.secondOrder.scale: cbs-update with update none has no use for it/,
  ],
  [{ flopsPower: 0.3 }, 'cbs', /^tiny: prune.secondOrder.flopsPower: cbs has no use for it/],
  [{ updateEachPass: true }, 'cbs-select', /^tiny: prune.secondOrder.updateEachPass: cbs-select has no use for it/],
  [{ epsilon: 1 }, 'woodfisher', /^tiny: prune.secondOrder.epsilon: woodfisher has no use for it/],
  [
    { blocks: 'layers' },
    'woodfisher',
    /^tiny: prune.secondOrder.blocks: expected full, layer or a number .* "layers"$/,
  ],
  [{ blocks: 0 }, 'woodfisher', /expected full, layer or a number of weights, found 0$/],
  [{ rho: 32_361 }, 'cbs', /^prune.secondOrder.rho: expected at most the 32,360 prunable weights, found 32361$/],
  [{ refreshBatchNorm: 100 }, 'woodfisher', /^prune.secondOrder.refreshBatchNorm: mlpnet has no batch normalization$/],
  [
    { memory: 0.001, blocks: 'layer' },
    'cbs',
    /^prune.secondOrder.samples: cbs needs 50 gradients of the 32360 weights/,
  ],
])('refuses %o', async (secondOrder, method, message) => {
  const plan = async () => {
    const recipe = recipeOf(secondOrder, { method })
    return pruningPlan(recipe, modelOf(recipe), synthetic())
  }
  await expect(plan()).rejects.toThrow(message)
})

it.each<[string, object, RegExp]>([
  ['cbs', { scope: 'layerwise' }, /^tiny: prune.scope: expected global for cbs, found layerwise$/],
  ['cbs', { scope: 'layerwise', secondOrder: { start: 'magnitude' } }, /expected global for cbs with start magnitude/],
  ['cbs', { sparsities: { fc1: 0.5 }, scope: 'layerwise' }, /^tiny: prune.sparsities: cbs knows one sparsity only$/],
  ['chita', { sparsities: { fc1: 0.5 }, scope: 'layerwise' }, /prune.sparsities: chita knows one sparsity only$/],
  [
    'woodfisher',
    { sparsities: { fc1: 0.5 } },
    /^tiny: prune.sparsities: expected prune.scope layerwise, found global$/,
  ],
  [
    'cbs-update',
    { schedule: 'cubic', end: '1ep', secondOrder: { start: 'masks.safetensors' } },
    /^tiny: prune.schedule: masks of a file are of one sparsity, expected one-shot, found cubic$/,
  ],
])('%s refuses %o beside it', (method, more, message) => {
  const prune = { method, sparsity: 0.8, ...more }
  expect(() => checkRecipe({ ...tiny, model: { name: 'mlpnet' }, prune }, 'tiny')).toThrow(message)
})

it('kfac refuses what is no linear layer', async () => {
  const recipe = recipeOf({}, { method: 'kfac', model: 'lenet-5' })
  await expect(pruningPlan(recipe, modelOf(recipe), synthetic())).rejects.toThrow(
    /^kfac: expected linear layers, found conv1.weight of shape \[\d+,1,5,5\], whose gradients are sums over places$/,
  )
})

it('layers with sparsities of their own, at the events of a schedule', async () => {
  const prune = {
    method: 'woodfisher',
    scope: 'layerwise',
    sparsity: 0.8,
    sparsities: { 'fc1.weight': 0.9, 'fc3.weight': 0 },
    schedule: 'cubic',
    start: '0it',
    every: '1ep',
    end: '1ep',
    secondOrder: { samples: 30, judge: 100, stages: 2 },
  }
  const recipe = checkRecipe({ ...tiny, model: { name: 'mlpnet' }, train: { ...tiny.train, epochs: 2 }, prune }, 'tiny')
  const { result } = await runRecipe(recipe, { machine, out: temporaryFolder() })
  expect(result!.layers.map(({ kept }) => kept)).toEqual([3136, 160, 200])
})

it('few samples are enough where nothing is judged', async () => {
  const all = { samples: 1900, faithful: true }
  for (const [method, secondOrder] of [
    ['woodfisher', all],
    ['cbs-update', all],
    ['woodfisher', { samples: 1900, stages: 1, update: 'none', refreshBatchNorm: 'none' }],
    [
      'cbs-update',
      { samples: 1900, stages: 1, scale: 1, firstOrder: false, damp: 1e-3, refreshBatchNorm: 'none', polish: 0 },
    ],
  ] as const) {
    const recipe = checkRecipe(
      { ...tiny, model: { name: 'mlpnet' }, prune: { method, sparsity: 0.8, secondOrder } },
      'tiny',
    )
    const plan = await pruningPlan(recipe, modelOf(recipe), synthetic())
    expect(plan!.settings).toMatchObject({ samples: 1900, judge: 1900 })
  }
  const judged = checkRecipe(
    {
      ...tiny,
      model: { name: 'mlpnet' },
      prune: { method: 'cbs-update', sparsity: 0.8, secondOrder: { samples: 1900 } },
    },
    'tiny',
  )
  await expect(pruningPlan(judged, modelOf(judged), synthetic())).rejects.toThrow(
    /leave none of the 1,900 training samples/,
  )
})

it('every recipe of second-order pruning plans its gradients', async () => {
  const folder = join(import.meta.dirname, '../../recipes/second-order')
  for (const name of readdirSync(folder).filter((file) => !file.endsWith('.sweep.yaml'))) {
    const recipe = readRecipe(join(folder, name))
    if (recipe.prune && methods[recipe.prune.method].section !== 'secondOrder') continue
    const model = modelOf(recipe)
    const count = { count: 1_281_167 } as const
    const { image, classes } = model
    const data = { ...synthetic({ image: [1, 1, 1], classes, train: 1, test: 1 }), image, train: count }
    expect((await pruningPlan(recipe, model, data as never))?.network.judged, name).toBeGreaterThan(0)
  }
})
