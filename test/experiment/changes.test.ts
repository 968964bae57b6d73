import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from './tiny.ts'

const budgets = { short: { 'train.epochs': 2, 'train.schedule': 'steps', 'train.drops': ['1ep'], 'prune.end': '1ep' } }

function read(recipe: object, ...changes: string[]) {
  const path = join(temporaryFolder(), 'r.yaml')
  writeFileSync(path, stringify({ ...tiny, ...recipe }))
  return readRecipe(path, changes)
}

it('a budget changes what it says, other changes come after it, and nothing of it stays', () => {
  expect(read({ budgets })).toEqual(read({}))
  expect(read({ budgets }, 'budget=full')).toEqual(read({}))
  const short = read({}, 'train.epochs=2', 'train.schedule=steps', 'train.drops=[1ep]', 'prune.end=1ep')
  expect(read({ budgets }, 'budget=short')).toEqual(short)
  expect(read({ budgets, budget: 'short' })).toEqual(short)
  expect(read({ budgets, budget: 'short' }, 'budget=full')).toEqual(read({}))
  expect(read({ budgets }, 'train.epochs=3', 'budget=short').train.epochs).toBe(3)
})

it.each<[object, string, RegExp]>([
  [{ budgets }, 'budget=shrt', /r\.yaml: budget: expected full or short, found shrt \(did you mean short\?\)$/],
  [{}, 'budget=short', /r\.yaml: budget: expected full, found short/],
  [{ budgets: [1] }, 'seed=1', /r\.yaml: budgets: expected changes by the name of a budget, found/],
  [{ budgets: { short: 3 } }, 'budget=short', /r\.yaml: budget: expected full or short, found short/],
  [{ budgets: { short: { 'name.x': 3 } } }, 'budget=short', /r\.yaml: budgets\.short: name\.x leads into a value/],
  [{ budgets: { short: { 'train.epcs': 3 } } }, 'budget=short', /unknown key train\.epcs \(did you mean epochs\?\)/],
])('refused: %s, %s', (recipe, change, message) => {
  expect(() => read(recipe, change)).toThrow(UserError)
  expect(() => read(recipe, change)).toThrow(message)
})
