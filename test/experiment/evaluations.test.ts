/**
 * @file What is evaluated while a network trains: held-out samples, the training set, the test set, and when.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { EpochReport, RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from './tiny.ts'

const { prune: _, ...dense } = tiny
const train = { epochs: 5, batch: 128, learningRate: 0.05, momentum: 0.9 }

async function run(validation: object | undefined, rest: object = {}) {
  const epochs: EpochReport[] = []
  const onEvent = (event: RunEvent) => {
    if (event.type === 'epoch') epochs.push(event)
  }
  const recipe = checkRecipe({ ...dense, train, validation, ...rest }, 'the recipe')
  const { result } = await runRecipe(recipe, { out: join(temporaryFolder(), 'run'), onEvent })
  const having = (key: keyof EpochReport) =>
    epochs.filter((epoch) => epoch[key] !== undefined).map(({ epoch }) => epoch)
  return { result: result!, epochs, having }
}

it('each part as often as the recipe says, and after the last epoch; training is not changed by it', async () => {
  const usual = await run(undefined)
  expect(usual.having('validationLoss')).toEqual([1, 2, 3, 4, 5])
  expect([usual.having('trainSet'), usual.having('testSet')]).toEqual([[], []])
  const told = await run({ every: 3, train: 1, test: 2 })
  expect(told.having('validationLoss')).toEqual([3, 5])
  expect(told.having('validationF1')).toEqual([3, 5])
  expect(told.having('trainSet')).toEqual([1, 2, 3, 4, 5])
  expect(told.having('testSet')).toEqual([2, 4, 5])
  expect(told.result.final).toEqual(usual.result.final)
  expect(told.epochs.map(({ trainLoss }) => trainLoss)).toEqual(usual.epochs.map(({ trainLoss }) => trainLoss))
})

it('the training set are the 1900 samples that are not held out; the last evaluation of the test set is the final one', async () => {
  const { result, epochs } = await run({ train: 5, test: 5 }, { train: { ...train, learningRate: 0.002 } })
  const { trainSet, testSet, trainAccuracy } = epochs[4]
  expect(trainSet).toMatchObject({ count: 1900, accuracy: trainSet!.correct / 1900 })
  // After the epoch, not on average over it.
  expect(trainSet!.accuracy).not.toBe(trainAccuracy)
  expect(testSet).toEqual(result.final)
  expect(result.final.top5).toBeGreaterThanOrEqual(result.final.accuracy)
})

it('the training set is evaluated without held-out samples, too, and as it is where batches are augmented', async () => {
  const { epochs } = await run(
    { train: 2 },
    { data: { name: 'synthetic', augment: 'cifar' }, train: { ...train, epochs: 2 } },
  )
  expect(epochs.map(({ trainSet }) => trainSet?.count)).toEqual([undefined, 2000])
  expect(epochs[1].validationLoss).toBeUndefined()
})
