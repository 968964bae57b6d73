/** @file Recipes with Sign-In: resumed runs equal uninterrupted ones, what is saved, and what is refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { runUntil, type Stoppable } from './stoppable.ts'
import { tiny } from './tiny.ts'

interface Changes {
  prune?: object
  train?: object
  rewire?: object
  tie?: object
}

const recipe = ({ prune, train, ...changes }: Changes = {}) =>
  checkRecipe(
    {
      ...tiny,
      train: { ...tiny.train, signIn: {}, ...train },
      prune: { method: 'random', scope: 'erk', sparsity: 0.9, ...prune },
      ...changes,
    },
    'tiny',
  )

const run = async (kernels: string, { signIn = { every: '7it' }, ...options }: Stoppable & { signIn?: object }) =>
  (await runUntil(recipe({ train: { kernels, signIn } }), options)).result
const bytes = (folder: string) => readFileSync(join(folder, 'model.safetensors'))

it.each(['dense', 'sparse'])(
  'stopped at and between balances, a run on %s kernels ends with the same bits',
  async (kernels) => {
    const [whole, parts, never] = ['whole', 'parts', 'never'].map((name) => join(temporaryFolder(), name))
    const result = await run(kernels, { out: whole })
    for (const stopAt of [20, 21, 35]) await run(kernels, { out: parts, stopAt, resume: stopAt > 20 })
    await run(kernels, { out: parts, resume: true })
    expect(bytes(parts).equals(bytes(whole))).toBe(true)
    await run(kernels, { out: never, signIn: { every: '100ep' } })
    expect(bytes(never).equals(bytes(whole))).toBe(false)
    expect(result!.sparsity).toBeCloseTo(0.9, 4)
    const names = [...readSafetensors(join(whole, 'model.safetensors')).tensors.keys()]
    expect(names.filter((name) => /\.(m|u)\b|momentum/.test(name))).toEqual([])
  },
  60_000,
)

it('all weights of a network without biases take the step of factors; the period is checked', async () => {
  const { kernels } = await dryRun(recipe({ train: { kernels: 'dense' } }))
  expect([kernels.factored_sgd, kernels.sgd]).toEqual([3, undefined])
  await expect(dryRun(recipe({ train: { signIn: { every: '0it' } } }))).rejects.toThrow(
    'train.signIn.every: expected a step or more, found 0it',
  )
})

it.each<[string, Changes, string]>([
  ['gsm', { train: { gsm: { ratio: 2 } } }, 'train.gsm: prunes by itself'],
  ['rewiring', { rewire: { method: 'set', end: '3ep' } }, 'weights that grow have no factors, expected no rewire'],
  [
    'phases',
    { prune: { schedule: 'alternating', start: '1ep', end: '3ep', every: '5it' } },
    'weights that return have no factors, expected another prune.schedule than alternating',
  ],
  ['updates', { prune: { method: 'obd', scope: 'global' } }, 'obd may change weights, expected a method that ranks'],
  ['a scaling of 0', { train: { signIn: { scaling: 0 } } }, 'train.signIn.scaling'],
])('refused beside it: %s', (_, changes, message) => {
  expect(() => recipe(changes)).toThrow(UserError)
  expect(() => recipe(changes)).toThrow(message)
})

it('refused beside it: tied weights, gsm without pruning', () => {
  const { prune: _, ...dense } = tiny
  const check = (changes: object, train = {}) =>
    checkRecipe({ ...dense, train: { ...tiny.train, signIn: {}, ...train }, ...changes }, 'tiny')
  expect(() => check({ tie: { sparsity: 0.5 } })).toThrow(
    'tiny: train.signIn: copies would part, expected no tie section beside it',
  )
  expect(() => check({}, { gsm: { ratio: 2 } })).toThrow('expected no train.gsm beside it')
})
