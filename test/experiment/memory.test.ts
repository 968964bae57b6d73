/** @file What is said of a training step that has no room. */
import { expect, it } from 'vitest'
import { checkMemory } from '../../src/experiment/plan/memory.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { findModel } from '../../src/models/index.ts'
import { tiny } from './tiny.ts'

it('the batch that is named has room, one more has not', () => {
  const room = (batch: number) => {
    const recipe = checkRecipe({ ...tiny, model: { name: 'resnet50' }, train: { ...tiny.train, batch } }, 'tiny')
    return () => checkMemory(recipe, findModel('resnet50'))
  }
  const message = (work: () => void) => {
    try {
      work()
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }
  const most = Number(/takes 22\.\d+ GB, .*: expected at most (\d+)$/.exec(message(room(256)))?.[1])
  expect(most).toBeGreaterThan(8)
  expect(room(most)).not.toThrow()
  expect(room(most + 1)).toThrow(`expected at most ${most}`)
})
