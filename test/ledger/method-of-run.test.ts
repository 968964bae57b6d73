/**
 * @file What rows call the methods of runs: of the recipes of the package, and of some that have more to say.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe, readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { ledgerOf } from '../../src/ledger/ledger.ts'
import { methodOfRun } from '../../src/ledger/method-of-run.ts'
import { Published } from '../../src/ledger/published.ts'
import { root } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { writeRun } from '../report/runs.ts'

it.each([
  ['at-init/mnist-sign-in', 'random, sign-in'],
  ['at-init/mnist-lenet-300-100', 'snip'],
  ['dynamic/mnist-ac-dc', 'magnitude, alternating'],
  ['dynamic/mnist-rigl', 'random, rigl'],
  ['dynamic/mnist-static', 'random'],
  ['dynamic/mnist-pruned', 'magnitude, exponential'],
  ['dynamic/mnist-granet', 'magnitude, cubic, granet'],
  ['dynamic/mnist-srigl', 'random, srigl, granularity fan-in'],
  ['dynamic/mnist-dense', 'dense'],
  ['dynamic/mnist-tied', 'tied'],
  ['gsm/resnet20-10x', 'gsm'],
])('the recipe %s is called %s', (name, expected) => {
  expect(methodOfRun(readRecipe(join(root, 'recipes', `${name}.yaml`)))).toBe(expected)
})

it('granularity and a budget of multiply-adds are named where they are not the usual ones', () => {
  const once = { method: 'magnitude', sparsity: 0.9 }
  const named = (changes: object) => methodOfRun(checkRecipe({ ...tiny, ...changes }, 'tiny'))
  expect(named({ prune: once })).toBe('magnitude')
  expect(named({ prune: { ...once, flops: 0.05 } })).toBe('magnitude, flops 0.05')
  expect(named({ prune: { ...once, granularity: 'row', scope: 'layerwise' } })).toBe('magnitude, granularity row')
  expect(named({ prune: undefined, model: { name: 'mlpnet', masks: 'a.safetensors' } })).toBe('given mask')
})

it('rows of runs say their method, once, whatever else is in the folder', () => {
  const folder = temporaryFolder()
  const random = { method: 'random', sparsity: 0.9 }
  const recipes = [
    { prune: random, train: { ...tiny.train, signIn: {} } },
    { prune: random },
    { prune: random, rewire: { method: 'set', end: '3ep' } },
    { prune: { ...tiny.prune, schedule: 'alternating', start: '0it', every: '10it' } },
    {},
  ]
  for (const [i, recipe] of recipes.entries())
    writeRun(join(folder, `${i}`), { recipe, accuracy: 0.9 - i / 10, epochs: 4 })
  expect(ledgerOf([folder], new Published([])).rows.map(({ method, options }) => [method, options])).toEqual([
    ['random, sign-in', []],
    ['random', []],
    ['random, set', []],
    ['magnitude, alternating', []],
    ['magnitude, cubic', []],
  ])
})
