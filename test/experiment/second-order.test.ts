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
    secondOrder: { samples: 50, judge: 200, stages: 1, ...secondOrder },
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
  [{ epsilon: 1 }, 'woodfisher', /^tiny: prune.secondOrder.epsilon: woodfisher has no use for it/],
  [
    { blocks: 'layers' },
    'woodfisher',
    /^tiny: prune.secondOrder.blocks: expected full, layer or a number .* "layers"$/,
  ],
  [{ blocks: 0 }, 'woodfisher', /expected full, layer or a number of weights, found 0$/],
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

it('every recipe of second-order pruning plans its gradients', async () => {
  const folder = join(import.meta.dirname, '../../recipes/second-order')
  for (const name of readdirSync(folder)) {
    const recipe = readRecipe(join(folder, name))
    if (recipe.prune && methods[recipe.prune.method].section !== 'secondOrder') continue
    const model = modelOf(recipe)
    const count = { count: 1_281_167 } as const
    const { image, classes } = model
    const data = { ...synthetic({ image: [1, 1, 1], classes, train: 1, test: 1 }), image, train: count }
    expect((await pruningPlan(recipe, model, data as never))?.network.judged, name).toBeGreaterThan(0)
  }
})
