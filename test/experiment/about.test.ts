/**
 * @file What recipes say of themselves: their own section, and those of all recipes that come with the
 * package.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { checkRecipe, readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { publishedFor, publishedText, settingsOf, withoutAbout } from '../../src/experiment/recipe/sections/about.ts'
import { UserError } from '../../src/util/errors.ts'
import { tiny } from './tiny.ts'

const folder = fileURLToPath(new URL('../../recipes/', import.meta.url))
const recipes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /^(?!.*\.sweep\.yaml$).*\.yaml$/.test(file),
)

it('every value by its dotted key; lists are values, what is undefined is not there', () => {
  const value = { a: 1, b: { c: [1, 2], d: { e: null, f: undefined } }, g: undefined }
  expect([...settingsOf(value)]).toEqual([
    ['a', 1],
    ['b.c', [1, 2]],
    ['b.d.e', null],
  ])
})

it('figures belong to runs in which all of their keys have the value', () => {
  const published = [
    { value: 1 },
    { value: 2, deviation: 0.5, where: { 'prune.sparsity': 0.9, 'prune.method': 'magnitude' } },
    { value: 3, where: { 'prune.sparsity': 0.9, 'prune.method': 'random' } },
    { value: 4, where: { 'prune.scope': 'global' }, source: 'elsewhere' },
  ]
  const recipe = checkRecipe({ ...tiny, about: { published } }, 'recipe')
  expect(publishedFor(recipe).map(publishedText)).toEqual(['1', '2 ± 0.5', '4 (elsewhere)'])
  expect(publishedFor(checkRecipe(tiny, 'recipe'))).toEqual([])
})

it('what is said of a run is no part of it, also in a sweep', () => {
  const about = { about: { cost: 'a day' } }
  const [plain, told] = [{}, about].map((more) => withoutAbout(stringify({ name: 'run', ...more, seed: 1 })))
  expect(told).toBe(plain)
  expect(withoutAbout(stringify({ name: 'run', seed: 2 }))).not.toBe(plain)
  const sweep = (one: object) => withoutAbout(stringify({ name: 'sweep', runs: { a: { seed: 0, ...one }, b: about } }))
  expect(sweep(about)).toBe(sweep({}))
  expect(sweep({ batch: 1 })).not.toBe(sweep({}))
})

it('refused: keys that the section does not have, figures that are no numbers', () => {
  const read = (about: object) => () => checkRecipe({ ...tiny, about }, 'recipe')
  expect(read({ papers: 'x' })).toThrow(UserError)
  expect(read({ papers: 'x' })).toThrow('recipe: unknown key about.papers (did you mean paper?)')
  expect(read({ published: [{ value: '98 %' }] })).toThrow(
    'recipe: about.published.0.value: expected a value of type number, found "98 %"',
  )
})

it.each(recipes)('%s: every figure belongs to a run that can be asked for', (file) => {
  const { about, name, ticket } = readRecipe(folder + file)
  for (const { value, where } of about?.published ?? []) {
    expect(value).toBeGreaterThan(0)
    expect(value).toBeLessThan(100)
    if (ticket) expect(String(where.name).startsWith(`${name}-`)).toBe(true)
    else {
      const changed = readRecipe(
        folder + file,
        Object.entries(where).map(([key, of]) => `${key}=${JSON.stringify(of)}`),
      )
      expect(publishedFor(changed).map((one) => one.value)).toContain(value)
    }
  }
})
