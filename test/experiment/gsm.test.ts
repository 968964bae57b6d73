/**
 * @file Recipes with train.gsm: exactly round(N / C) weights are left, what is said of it, resuming, and what
 * is refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { EpochReport, PruneReport, RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { UserError } from '../../src/util/errors.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

/**
 * MLPNet has 31,360 + 800 + 200 = 32,360 weights; a 60th is 539.33. 60 steps per epoch; passive weights
 * shrink by e^-7.8.
 */
const train = {
  ...tiny.train,
  batch: 32,
  momentum: 0.9,
  weightDecay: 0.02,
  schedule: 'constant',
  epochs: 13,
  gsm: { ratio: 60 },
}
const { prune: _, ...dense } = tiny
const recipe = (changes: object = {}, others: object = {}) =>
  checkRecipe({ ...dense, train: { ...train, ...changes }, ...others }, 'tiny')

async function run(out: string, stopAt = Infinity, given = recipe()): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  const controller = new AbortController()
  const options = { machine: best, out, checkpointSeconds: 1e9, resume: stopAt === -1, signal: controller.signal }
  await runRecipe(given, {
    ...options,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'progress' && event.step >= stopAt && stopAt >= 0) controller.abort()
    },
  })
  return events
}

const weightsIn = (path: string) =>
  [...unpackSparse(readSafetensors(path), path).tensors]
    .filter(([name]) => name.endsWith('weight'))
    .flatMap(([, tensor]) => [...toFloats(tensor)])

it('keeps exactly the round(N / C) largest weights and says how clear the choice was; resumed, it ends with the same bits', async () => {
  const out = join(temporaryFolder(), 'run')
  const events = await run(out)
  const before = weightsIn(join(out, 'dense.safetensors'))
    .map(Math.abs)
    .sort((a, b) => b - a)
  const after = weightsIn(join(out, 'model.safetensors')).filter((weight) => weight !== 0)
  expect(after.length).toBe(539)
  expect(after.map(Math.abs).sort((a, b) => b - a)).toEqual(before.slice(0, 539))

  const pruned = events.filter((event): event is PruneReport => event.type === 'prune')
  const vanished = before.filter((weight) => weight < Math.fround(1e-4)).length / before.length
  expect(pruned.map(({ step, gap }) => ({ step, gap }))).toEqual([
    { step: 13 * 60, gap: { keep: 539, kept: before[538], removed: before[539], vanished: expect.closeTo(vanished) } },
  ])
  expect(vanished).toBeGreaterThan(0.5)
  expect(before[0]).toBeGreaterThan(0.1)
  const epochs = events.filter((event): event is EpochReport => event.type === 'epoch')
  // The last epoch is measured before the last act.
  expect(epochs.at(-1)!.gap).toEqual(pruned[0].gap)
  expect(epochs[0].gap!.vanished).toBeLessThan(0.2)
  for (const { reactivated, overlap } of epochs) expect(overlap).toBe(1 - reactivated! / (539 * 60))
  expect(epochs[0].overlap).toBeGreaterThan(0.1)
  expect(epochs[0].overlap).toBeLessThan(epochs.at(-1)!.overlap!)
  const final = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).at(-1)!
  expect(final).toMatchObject({ type: 'final', gap: pruned[0].gap, sparsity: 1 - 539 / 32360 })
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/^Exactly 539 weights were kept, by magnitude: /m)

  const stopped = join(temporaryFolder(), 'run')
  await run(stopped, 300)
  await run(stopped, -1)
  expect(weightsIn(join(stopped, 'model.safetensors'))).toEqual(weightsIn(join(out, 'model.safetensors')))
  const epochLines = (folder: string) =>
    jsonLines(readFileSync(join(folder, 'metrics.jsonl'), 'utf8'))
      .filter(({ type }) => type === 'epoch')
      .map(({ time, ...line }) => line)
  expect(epochLines(stopped)).toEqual(epochLines(out))
}, 60_000)

it('frozen, the weights that stay are those that were largest then; resumed, it ends with the same bits', async () => {
  const given = recipe({ gsm: { ratio: 60, freeze: '6ep' } })
  const out = join(temporaryFolder(), 'run')
  const events = await run(out, Infinity, given)
  const epochs = events.filter((event): event is EpochReport => event.type === 'epoch')
  expect(epochs[5].reactivated).toBeGreaterThan(1000)
  expect(epochs.at(-1)!.reactivated).toBeLessThan(10)

  const stopped = join(temporaryFolder(), 'run')
  await run(stopped, 400, given)
  await run(stopped, -1, given)
  expect(weightsIn(join(stopped, 'model.safetensors'))).toEqual(weightsIn(join(out, 'model.safetensors')))
}, 60_000)

it('the accuracy with the largest weights alone is that of the pruned network, and looking changes nothing', async () => {
  const out = join(temporaryFolder(), 'run')
  const events = await run(out, Infinity, recipe({ epochs: 2 }))
  const { prunedAccuracy, validationAccuracy } = events.findLast(
    (event): event is EpochReport => event.type === 'epoch',
  )!
  expect(prunedAccuracy).not.toBe(validationAccuracy)
  const path = join(out, 'model.safetensors')
  const again = recipe({ epochs: 1, learningRate: 1e-30, weightDecay: 0 }, { model: { ...tiny.model, weights: path } })
  const repeated = await run(join(temporaryFolder(), 'run'), Infinity, again)
  expect(repeated.find((event): event is EpochReport => event.type === 'epoch')!.validationAccuracy).toBe(
    prunedAccuracy,
  )
})

it('warns of a schedule that cannot shrink passive weights, before training and in a dry run', async () => {
  const sentence = /^train\.gsm: the schedule shrinks a passive weight only 1\.\d+ times, expected 1097 or more: /
  const events = await run(join(temporaryFolder(), 'run'), Infinity, recipe({ epochs: 1, weightDecay: 1e-4 }))
  expect(events.map(({ type }) => type).slice(0, 3)).toEqual(['start', 'notice', 'progress'])
  expect(events[1]).toEqual({ type: 'notice', text: expect.stringMatching(sentence) })
  expect((await dryRun(recipe({ epochs: 1, weightDecay: 1e-4 }))).warning).toMatch(sentence)
  expect((await dryRun(recipe())).warning).toBeUndefined()
  // Weights that are frozen out have the time from then on.
  expect((await dryRun(recipe({ gsm: { ratio: 60, freeze: '11ep' } }))).warning).toMatch(/only 3\.\d+ times/)
})

it.each<[string, object, object, RegExp]>([
  ['a ratio of 1', { gsm: { ratio: 1 } }, {}, /train\.gsm\.ratio: expected more than 1, found 1/],
  ['another pruning beside it', {}, { prune: tiny.prune }, /train\.gsm: prunes by itself, expected no prune section/],
  [
    'tied weights beside it',
    {},
    { tie: { sparsity: 0.5 } },
    /train\.gsm: ranks weights one by one, expected no tie section beside it$/,
  ],
  ['a time without a unit', { gsm: { ratio: 60, freeze: '3' } }, {}, /train\.gsm\.freeze: expected a duration such as/],
  ['no training', { epochs: 0 }, {}, /train\.gsm: prunes by training, expected epochs of 1 or more/],
  ['sparse kernels', { kernels: 'sparse' }, {}, /train\.kernels: gsm trains all weights, expected dense or auto/],
])('refused: %s', (_name, changes, others, message) => {
  expect(() => recipe(changes, others)).toThrow(UserError)
  expect(() => recipe(changes, others)).toThrow(message)
})

it('a ratio that would keep nothing is refused', async () => {
  await expect(run(join(temporaryFolder(), 'run'), Infinity, recipe({ gsm: { ratio: 1e6 } }))).rejects.toThrow(
    /^train\.gsm\.ratio: expected at most the 32360 prunable weights of mlpnet, found 1000000$/,
  )
})

it('freezing at the end or later is refused', async () => {
  await expect(
    run(join(temporaryFolder(), 'run'), Infinity, recipe({ gsm: { ratio: 60, freeze: '13ep' } })),
  ).rejects.toThrow(/^train\.gsm\.freeze: expected a time before the end of 13 epochs, found 13ep$/)
})

it('only kernels decay, unless biasDecay says otherwise', async () => {
  const biases = async (changes: object) => {
    const out = join(temporaryFolder(), 'run')
    await run(out, Infinity, recipe({ epochs: 1, ...changes }, { model: { name: 'lenet-300-100' } }))
    const { tensors } = readSafetensors(join(out, 'dense.safetensors'))
    return [...toFloats(tensors.get('fc1.bias')!)]
  }
  const [usual, none, all] = [await biases({}), await biases({ biasDecay: 0 }), await biases({ biasDecay: 0.05 })]
  expect(usual).toEqual(none)
  expect(usual).not.toEqual(all)
})
