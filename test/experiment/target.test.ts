/** @file Recipes that leave the sparsities to a target. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { weightFigures } from '../../src/figures/figures.ts'
import { brotliBytes } from '../../src/formats/brotli.ts'
import { writeNetwork } from '../../src/formats/network-file.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { findModel } from '../../src/models/index.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { USUAL_LEVELS } from '../../src/target/effort.ts'
import { networkOfFile } from '../../src/train/find-network.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { runUntil } from './stoppable.ts'
import { tiny } from './tiny.ts'

const { sparsity: _, ...gradual } = tiny.prune
const recipeOf = (target: object, prune: object = gradual) =>
  checkRecipe({ ...tiny, prune: { ...prune, target } }, 'tiny')

const prunings = (folder: string) =>
  jsonLines(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).filter(({ type }) => type === 'prune')
const weightsIn = (folder: string) => {
  const path = join(folder, 'model.safetensors')
  return unpackSparse(readSafetensors(path), path)
}
const fileIn = (
  folder: string,
): { sparsities: Record<string, number>; channels?: Record<string, number>; share: number; reached?: string } =>
  JSON.parse(readFileSync(join(folder, 'target.json'), 'utf8'))
const chosenIn = (folder: string): Record<string, number> => fileIn(folder).sparsities

it('a gradual schedule ends for every tensor at the sparsity that was chosen when it began', async () => {
  const recipe = recipeOf({ flops: 0.2, judges: 200 })
  const out = join(temporaryFolder(), 'run')
  const { events, result } = await runUntil(recipe, { out })
  const chosen = chosenIn(out)
  for (const share of Object.values(chosen)) expect([0, ...USUAL_LEVELS]).toContain(share)
  // Not the easy case of one sparsity for all.
  expect(new Set(Object.values(chosen)).size).toBeGreaterThan(1)
  const { layers, multiplyAdds } = weightFigures(findModel('mlpnet'), weightsIn(out))
  for (const { name, size, kept } of layers) expect(kept).toBe(keptCount(size, chosen[name]))
  expect(multiplyAdds.kept).toBeLessThanOrEqual(0.2 * multiplyAdds.dense)
  expect(multiplyAdds.kept).toBeGreaterThan(0.15 * multiplyAdds.dense)
  const steps = prunings(out)
  expect(steps.map(({ step }) => step)).toEqual([10, 15, 20, 25, 30, 35, 40])
  const shares = steps.map(({ sparsity }) => Number(sparsity))
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares[0]).toBeLessThan(0.6 * shares[6])
  expect(result!.sparsity).toBeCloseTo(shares[6], 6)
  expect(existsSync(join(out, 'levels'))).toBe(false)
  expect(events.some((event) => event.type === 'pruning' && event.phase === 'levels')).toBe(true)

  // Stopped in the middle of its schedule it goes on with what it has chosen, to the same bits.
  const again = join(temporaryFolder(), 'again')
  await runUntil(recipe, { out: again, stopAt: 22 })
  expect(chosenIn(again)).toEqual(chosen)
  const { events: later } = await runUntil(recipe, { out: again, resume: true })
  expect(later.some((event) => event.type === 'pruning' && event.phase === 'levels')).toBe(false)
  expect(weightsIn(again)).toEqual(weightsIn(out))
})

/** Rows of a weight [out, in] that have weights, and how many those have. */
function rowsOf(values: ArrayLike<number>, inputs: number) {
  const counts = Array.from({ length: values.length / inputs }, (_, o) =>
    Array.from({ length: inputs }, (_, i) => Number(values[o * inputs + i] !== 0)).reduce((a, b) => a + b, 0),
  )
  return { rows: counts.filter((count) => count > 0).length, kept: counts.reduce((a, b) => a + b, 0) }
}

it('whole channels go on the schedule to the numbers that were chosen, and what is left is compacted', async () => {
  const recipe = recipeOf({ flops: 0.4, judges: 200, multipleOf: 4 }, { ...gradual, granularity: 'channel' })
  const out = join(temporaryFolder(), 'run')
  await runUntil(recipe, { out })
  const { channels = {}, sparsities, reached } = fileIn(out)
  expect(reached).toMatch(/^[\d.]+ kB, [\d.]+ % of the multiply-adds$/)
  expect(Object.keys(channels).length).toBeGreaterThan(0)
  expect(new Set(Object.values(sparsities))).toEqual(new Set([0]))
  const weights = weightsIn(out)
  for (const [name, count] of Object.entries(channels)) {
    const { shape } = weights.tensors.get(name)!
    expect(count % 4).toBe(0)
    expect(rowsOf(toFloats(weights.tensors.get(name)!), shape[1]).rows).toBe(count)
  }
  const shares = prunings(out).map(({ sparsity }) => Number(sparsity))
  expect(shares).toHaveLength(7)
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares[0]).toBeLessThan(0.6 * shares[6])

  const small = join(out, 'small.onnx')
  await writeNetwork(small, { weights, model: findModel('mlpnet') }, { compact: true })
  const costs = weightFigures(networkOfFile(await readWeights(small), small), await readWeights(small))
  expect(costs.multiplyAdds.dense).toBeLessThanOrEqual(
    0.4 * weightFigures(findModel('mlpnet'), weights).multiplyAdds.dense,
  )

  // Stopped in the middle of its schedule it goes on to the same bits.
  const again = join(temporaryFolder(), 'again')
  await runUntil(recipe, { out: again, stopAt: 22 })
  await runUntil(recipe, { out: again, resume: true })
  expect(fileIn(again)).toEqual(fileIn(out))
  expect(weightsIn(again)).toEqual(weights)
  for (const folder of [out, again]) {
    const report = readFileSync(join(folder, 'report.md'), 'utf8')
    const line = report.split('\n').find((one) => one.startsWith('prune.target asked for flops 0.4, '))
    expect(line).toMatch(/multipleOf 4.*; the target is met with [\d.]+ % of the pruned weights zero: /)
    expect(line).toContain(reached)
  }
})

it('channels or single weights go, whichever is asked for', async () => {
  const recipe = recipeOf({ flops: 0.1, judges: 200 }, { ...gradual, granularity: 'auto' })
  const out = join(temporaryFolder(), 'run')
  const { result } = await runUntil(recipe, { out })
  const { sparsities, share } = fileIn(out)
  expect(Math.max(...Object.values(sparsities))).toBeGreaterThan(0)
  expect(result!.sparsity).toBeCloseTo(share, 2)
})

it('a pattern is that of each tensor, or none', async () => {
  const recipe = recipeOf(
    { flops: 0.6, judges: 200 },
    { ...gradual, granularity: '2:4', start: '4ep', schedule: 'one-shot' },
  )
  const out = join(temporaryFolder(), 'run')
  await runUntil(recipe, { out })
  const { layers } = weightFigures(findModel('mlpnet'), weightsIn(out))
  for (const { name, size, kept } of layers) expect(kept).toBe(chosenIn(out)[name] === 0 ? size : size / 2)
  expect(Object.values(chosenIn(out))).toContain(0.5)
})

it('after training, a size is that of the file', async () => {
  const recipe = recipeOf({ kb: 30, judges: 200 }, { method: 'magnitude', start: '4ep' })
  const out = join(temporaryFolder(), 'run')
  await runUntil(recipe, { out })
  const size = readFileSync(join(out, 'model.safetensors')).length
  expect(size).toBeLessThanOrEqual(30_000)
  expect(size).toBeGreaterThan(24_000)
})

it('compressed, a size is that of the file under brotli, near enough', async () => {
  const target = { kb: 25, stored: 'brotli', judges: 200 }
  const out = join(temporaryFolder(), 'run')
  await runUntil(recipeOf(target, { method: 'magnitude', start: '4ep' }), { out })
  const size = brotliBytes(readFileSync(join(out, 'model.safetensors')))
  expect(size).toBeLessThanOrEqual(26_000)
  expect(size).toBeGreaterThan(20_000)
})

it('what cannot be met ends the run with a sentence that names the key', async () => {
  const run = (target: object) => runUntil(recipeOf(target), { out: join(temporaryFolder(), 'run') })
  await expect(run({ kb: 2 })).rejects.toThrow('prune.target.kb: a size of 2.0 kB cannot be met')
  await expect(run({ ms: 1000 })).rejects.toThrow('prune.target.ms: there is nothing to do')
  await expect(run({ ms: 1e-6, runtime: 'wasm' })).rejects.toThrow('prune.target.ms: a time of 0.000001 ms cannot')
})

it('a dry run says what it does not know', async () => {
  const { counted, layers } = await dryRun(recipeOf({ flops: 0.5 }, { method: 'magnitude', start: '0it' }))
  expect(counted).toContain('prune.target decides before the first step')
  expect(layers.every(({ size, kept }) => size === kept)).toBe(true)
})

it.each([
  [{}, {}, 'prune.target: expected one of ms, kb, flops and drop, found none'],
  [{ flops: 0.5 }, { sparsity: 0.9 }, 'prune.target: decides how much is pruned, expected no prune.sparsity'],
  [{ flops: 0.5 }, { flops: 0.5 }, 'prune.target: does not go with prune.flops'],
  [{ flops: 0.5 }, { initial: 0.5 }, 'prune.target: does not go with prune.initial'],
  [{ flops: 0.5 }, { scope: 'erk' }, 'prune.target: gives every tensor a sparsity, expected no prune.scope'],
  [{ flops: 0.5 }, { granularity: '4x4' }, 'prune.target: expected prune.granularity weight, channel, auto, block8'],
  [
    { flops: 0.5, multipleOf: 4 },
    {},
    'prune.target.multipleOf: expected prune.granularity channel or auto, found weight',
  ],
  [{ ms: 1, runtime: 'onnxruntime' }, {}, 'prune.target.runtime: onnxruntime multiplies with zeros, expected'],
  [{ kb: 9, stored: 'sparse' }, { granularity: 'auto' }, 'prune.target.stored: ONNX files hold all values'],
  [{ flops: 0.5 }, { granularity: 'channel', method: 'obc' }, 'prune.granularity: obc prunes single weights only'],
  [{ flops: 0.5, threads: 2 }, {}, 'prune.target.threads: is for prune.target.ms, found none'],
  [{ ms: 1, runtime: 'wasm', threads: 2 }, {}, 'prune.target.threads: expected 1 with runtime wasm'],
  [{ flops: 0.5, batch: 2 }, {}, 'prune.target.batch: is for prune.target.ms, found none'],
  [{ flops: 0.5, stored: 'brotli' }, {}, 'prune.target.stored: is for prune.target.kb, found none'],
  [{ kb: 10 }, { method: 'cbs' }, 'prune.target: cbs knows one sparsity only'],
  [{ flops: 2 }, {}, 'prune.target.flops: expected at most 1, found 2'],
  [{ flops: 1 }, {}, 'prune.target.flops: there is nothing to do: expected less than 1, found 1'],
  [{ kb: 9, stored: 'dense' }, {}, 'prune.target.stored: a file of all values is no smaller for zeros'],
])('%j beside %j is refused at once', (target, beside, sentence) => {
  expect(() => recipeOf(target, { ...gradual, ...beside })).toThrow(`tiny: ${sentence}`)
})

it('a size that all values have room in is refused before training', async () => {
  await expect(dryRun(recipeOf({ kb: 5000 }))).rejects.toThrow(
    'prune.target.kb: there is nothing to do: all values of mlpnet take 129.4 kB as they are',
  )
})

it('of a file of all values channels alone go, in multiples, whatever dies with them', async () => {
  const recipe = recipeOf(
    { kb: 60, multipleOf: 10, judges: 200 },
    { method: 'magnitude', start: '4ep', granularity: 'auto' },
  )
  const out = join(temporaryFolder(), 'run')
  await runUntil(recipe, { out })
  const { channels = {}, sparsities } = fileIn(out)
  expect(new Set(Object.values(sparsities))).toEqual(new Set([0]))
  const small = join(out, 'small.onnx')
  const options = { compact: true, multipleOf: 10 }
  const { onnx } = await writeNetwork(small, { weights: weightsIn(out), model: findModel('mlpnet') }, options)
  expect(onnx!.bytes).toBeLessThanOrEqual(60_000)
  const { tensors } = await readWeights(small)
  for (const [name, count] of Object.entries(channels)) expect(tensors.get(name)!.shape[0]).toBe(count)
})

it('a sparsity is needed where there is no target', () => {
  expect(() => checkRecipe({ ...tiny, prune: gradual }, 'tiny')).toThrow(
    'tiny: prune.sparsity: expected a value of type number, or a prune.target, found nothing',
  )
})
