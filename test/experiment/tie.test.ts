/**
 * @file Recipes with tied weights: what is learned, resumed runs equal uninterrupted ones, and what is
 * refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

const { prune, ...dense } = tiny
const recipe = (changes: object) => checkRecipe({ ...dense, tie: { sparsity: 0.9 }, ...changes }, 'tiny')

it('stopped and resumed, a run ends with the same bits; its report says what could be learned', async () => {
  const run = async (out: string, options: { stopAt?: number; resume?: boolean } = {}) => {
    const controller = new AbortController()
    await runRecipe(recipe({}), {
      machine: best,
      out,
      checkpointSeconds: 1e9,
      resume: options.resume,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.step === options.stopAt) controller.abort()
      },
    })
  }
  const [whole, parts] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'run')]
  await run(whole)
  await run(parts, { stopAt: 20 })
  await run(parts, { resume: true })
  const model = readFileSync(join(whole, 'model.safetensors'))
  expect(readFileSync(join(parts, 'model.safetensors')).equals(model)).toBe(true)
  const report = readFileSync(join(whole, 'report.md'), 'utf8')
  expect(report).toMatch(/\| fc1\.weight +\| +31,360 \| +3,136 \|/)
  expect(report).toMatch(/\| all prunable +\| +32,360 \| +3,236 \|/)
}, 30_000)

it('only chosen tensors are tied', async () => {
  const out = join(temporaryFolder(), 'run')
  const { result } = await runRecipe(recipe({ tie: { sparsity: 0.9, exclude: ['fc3*'] } }), { machine: best, out })
  expect(result!.layers.map(({ name, learnable }) => [name, learnable])).toEqual([
    ['fc1.weight', 3136],
    ['fc2.weight', 80],
  ])
})

it.each<[string, object, RegExp]>([
  ['pruning beside it', { prune }, /^tiny: tie: expected no prune section beside it, found one$/],
  ['a sparsity that leaves nothing', { tie: { sparsity: 1 } }, /tie\.sparsity/],
  ['an unknown granularity', { tie: { sparsity: 0.5, granularity: 'channel' } }, /tie\.granularity: .*found "channel"/],
])('refused: %s', (_, changes, message) => {
  expect(() => recipe(changes)).toThrow(UserError)
  expect(() => recipe(changes)).toThrow(message)
})

it('a pattern that matches nothing names its key', async () => {
  const run = runRecipe(recipe({ tie: { sparsity: 0.5, include: ['fc9'] } }), { machine: best })
  await expect(run).rejects.toThrow(/tie\.include: no prunable tensor is named fc9/)
})
