/** @file train.keep: best tests the weights of the best epoch, also after an interruption. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { epochLine } from '../../src/cli/display/progress.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { BestEpoch } from '../../src/experiment/run/best-epoch.ts'
import type { EpochReport, RunEvent, RunResult } from '../../src/experiment/run/events.ts'
import { RunFolder } from '../../src/experiment/run/folder.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { percent } from '../../src/util/format.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { rows } from '../support/breadth.ts'
import { smallNetwork } from '../train/small.ts'
import { tiny } from './tiny.ts'

/** A rate so large that the accuracy goes up and down. Pruned for good at step 40, in epoch 3. */
const recipeOf = (train: object = {}, rest: object = {}) =>
  checkRecipe(
    { ...tiny, seed: 2, train: { epochs: 6, batch: 128, learningRate: 0.25, momentum: 0.9, ...train }, ...rest },
    'the recipe',
  )

interface Ran {
  folder: string
  result: RunResult
  epochs: EpochReport[]
}

const metricsIn = (folder: string): Record<string, unknown>[] =>
  jsonLines(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).map(({ seconds, time, ...line }) => line)

async function run(train: object = {}, rest: object = {}): Promise<Ran> {
  const folder = join(temporaryFolder(), 'run')
  const epochs: EpochReport[] = []
  const onEvent = (event: RunEvent) => {
    if (event.type === 'epoch') epochs.push(event)
  }
  const { result } = await runRecipe(recipeOf(train, rest), { out: folder, onEvent })
  return { folder, result: result!, epochs }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const modelIn = (folder: string) => readFileSync(join(folder, 'model.safetensors'))

/** The first of the epochs with the largest value, of those that end at step 40 or later. */
function bestOf(epochs: readonly EpochReport[], value: (epoch: EpochReport) => number | undefined): number {
  const counting = epochs.filter(({ step }) => step >= 40)
  const largest = Math.max(...counting.map((epoch) => value(epoch) ?? Number.NaN))
  return counting.find((epoch) => value(epoch) === largest)!.epoch
}

it('tests the weights of the best epoch after the last pruning event, and the last ones beside them', async () => {
  const best = await run({ keep: 'best' })
  const kept = bestOf(best.epochs, (epoch) => epoch.validationAccuracy)
  expect(best.result.keptEpoch).toBe(kept)
  expect(best.epochs.filter((epoch) => epoch.best).at(-1)?.epoch).toBe(kept)
  const ended = await run({ epochs: kept })
  expect(modelIn(best.folder).equals(modelIn(ended.folder))).toBe(true)
  expect([best.result.final, best.result.sparsity]).toEqual([ended.result.final, ended.result.sparsity])
  const last = await run()
  expect(best.result.lastEpoch).toEqual(last.result.final)
  expect([last.result.keptEpoch, last.result.lastEpoch]).toEqual([undefined, undefined])
  expect(existsSync(join(best.folder, 'best.safetensors'))).toBe(false)
  expect(readFileSync(join(best.folder, 'report.md'), 'utf8')).toMatch(new RegExp(`epoch ${kept} of 6`))
  expect(readFileSync(join(last.folder, 'recipe.yaml'), 'utf8')).not.toMatch(/keep|^validation/m)
})

/** What BestEpoch makes of epochs of 10 steps each, of which those from step 20 on count. */
function seen(values: readonly { accuracy: number; f1: number; pruned?: number }[], metric?: 'accuracy' | 'f1') {
  const network = smallNetwork()
  const folder = RunFolder.open(temporaryFolder(), {})
  const recipe = recipeOf({ keep: 'best' }, { validation: { metric } })
  const best = new BestEpoch({ recipe }, 20, network, folder)
  const evaluation = { ...network.evaluate('test'), count: 1 }
  const told = values.map(({ accuracy, f1, pruned }, i) => {
    network.values('fc3.bias').fill(i + 1)
    const epoch = { epoch: i + 1, step: 10 * (i + 1), learningRate: 1, trainLoss: 1, trainAccuracy: 1 }
    const without = pruned === undefined ? undefined : { ...evaluation, accuracy: pruned }
    return best.see(epoch, { validation: { ...evaluation, accuracy, f1 }, pruned: without })
  })
  best.load()
  folder.release()
  return { told, found: best.found, loaded: network.values('fc3.bias')[0] }
}

it('the first of equals is best, epochs before the last pruning event do not count, f1 only where it is asked for', () => {
  const values = [
    { accuracy: 0.9, f1: 0.9 },
    { accuracy: 0, f1: 0 },
    { accuracy: 0.6, f1: 0.1 },
    { accuracy: 0.6, f1: 0.3 },
    { accuracy: 0.5, f1: 0.4 },
  ]
  expect(seen(values)).toEqual({ told: [false, true, true, false, false], found: { epoch: 3, value: 0.6 }, loaded: 3 })
  expect(seen(values, 'f1')).toEqual({
    told: [false, true, true, true, true],
    found: { epoch: 5, value: 0.4 },
    loaded: 5,
  })
  const pruned = values.map((value, i) => ({ ...value, pruned: i / 10 }))
  expect(seen(pruned).found).toEqual({ epoch: 5, value: 0.4 })
})

const sparse = { method: 'random', sparsity: 0.9, start: '0it' }
const others: [string, object, object][] = [
  [
    'weights that move, on sparse kernels',
    { kernels: 'sparse' },
    { prune: sparse, rewire: { method: 'set-magnitude', fraction: 0.3, every: '7it', end: '5ep' } },
  ],
  [
    'weights that have just grown',
    { kernels: 'sparse' },
    { prune: sparse, rewire: { method: 'set-magnitude', fraction: 0.3, every: '1ep', end: '20ep' } },
  ],
  ['factors that find signs', { signIn: { scaling: 1 } }, { prune: sparse }],
  ['tied weights', {}, { prune: undefined, tie: { sparsity: 0.5 } }],
  ['nothing that prunes', {}, { prune: undefined }],
  [
    'phases by turns',
    {},
    { prune: { ...tiny.prune, schedule: 'alternating', start: '1ep', every: '1ep', end: '4ep' } },
  ],
]
it.each(rows(others, (_, i) => i % 3 === 0))(
  'with %s, too, they are those of a run that ends there',
  async (_, train, rest) => {
    const { result, folder } = await run({ ...train, keep: 'best' }, rest)
    const ended = await run({ ...train, epochs: result.keptEpoch }, rest)
    const tensors = (path: string) =>
      [...readSafetensors(join(path, 'model.safetensors')).tensors].map(([name, { data }]) => [name, digest(data)])
    expect(tensors(folder)).toEqual(tensors(ended.folder))
    expect(result.layers).toEqual(ended.result.layers)
  },
)

it('goes by the F1 of held-out samples where that is the metric', async () => {
  const { result, epochs } = await run({ keep: 'best' }, { validation: { metric: 'f1' } })
  expect(result.keptEpoch).toBe(bestOf(epochs, (epoch) => epoch.validationF1))
  for (const epoch of epochs)
    expect(epochLine(epoch)).toContain(
      `accuracy ${percent(epoch.validationAccuracy!)} F1 ${percent(epoch.validationF1!)}`,
    )
  expect(epochLine({ ...epochs[0], metric: undefined })).not.toContain('F1')
  const gsm = { ...epochs[0], prunedAccuracy: 0.5, prunedF1: 0.25 }
  expect(epochLine(gsm)).toContain(', pruned 50.00 % F1 25.00 %')
})

it('Global Sparse Momentum keeps the epoch whose largest weights do best, and prunes that', async () => {
  const { prune: _, ...rest } = recipeOf({ keep: 'best', gsm: { ratio: 10 } }, { prune: undefined })
  const folder = join(temporaryFolder(), 'run')
  const { result } = await runRecipe(rest, { out: folder })
  const epochs = metricsIn(folder).filter(({ type }) => type === 'epoch')
  const values = epochs.map(({ prunedAccuracy }) => Number(prunedAccuracy))
  expect(result!.keptEpoch).toBe(1 + values.indexOf(Math.max(...values)))
  expect(result!.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(3236)
  const dense = readSafetensors(join(folder, 'dense.safetensors'))
  expect(toFloats(dense.tensors.get('fc1.weight')!).every((weight) => weight !== 0)).toBe(true)
})

/** Runs up to a step, with a checkpoint there. */
async function runUntil(step: number, out: string, resume: boolean): Promise<void> {
  const controller = new AbortController()
  const onEvent = (event: RunEvent) => {
    if (event.type === 'progress' && event.step >= step) controller.abort()
  }
  const outcome = await runRecipe(recipeOf({ keep: 'best' }), { out, resume, signal: controller.signal, onEvent })
  expect(outcome.interrupted).toBe(true)
}

it('is the same bit for bit after interruptions, also where the file of the best was ahead of the checkpoint', async () => {
  const whole = await run({ keep: 'best' })
  const out = join(temporaryFolder(), 'run')
  const files = ['checkpoint.safetensors', 'metrics.jsonl']
  await runUntil(47, out, false)
  for (const file of files) copyFileSync(join(out, file), join(out, `../${file}`))
  await runUntil(85, out, true)
  // As if it had been killed after the epochs between and before the next checkpoint.
  for (const file of files) copyFileSync(join(out, `../${file}`), join(out, file))
  const { result } = await runRecipe(recipeOf({ keep: 'best' }), { out, resume: true })
  expect(result!.keptEpoch).toBe(whole.result.keptEpoch)
  expect(modelIn(out).equals(modelIn(whole.folder))).toBe(true)
  expect(metricsIn(out)).toEqual(metricsIn(whole.folder))
})

it.each<[string, object, object, string]>([
  [
    'no held-out samples',
    { keep: 'best' },
    { data: { name: 'synthetic' } },
    'train.keep: best needs a data.validation above 0, found 0',
  ],
  [
    'a metric for nothing',
    {},
    { validation: { metric: 'f1' } },
    'validation.metric: needs train.keep: best, which goes by it, found last',
  ],
  [
    'a period for nothing',
    {},
    { data: { name: 'synthetic' }, validation: { every: 2 } },
    'validation.every: needs a data.validation above 0, found 0',
  ],
])('refuses %s', (_, train, rest, message) => {
  expect(() => recipeOf(train, rest)).toThrow(new UserError(`the recipe: ${message}`))
})
