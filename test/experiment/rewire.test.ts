/**
 * @file Recipes that rewire: every method keeps the number of weights, resumed runs equal uninterrupted ones,
 * and what is refused.
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { rows } from '../support/breadth.ts'
import { best } from '../support/engines.ts'
import { endsAlike, type Given, recipe, remains, rewirings, run } from './rewired.ts'
import { tiny } from './tiny.ts'

const methods: { method: string; [setting: string]: unknown }[] = [
  { method: 'dsr', moves: 200, threshold: 0.01 },
  { method: 'set', fraction: 0.2 },
  { method: 'set-magnitude', fraction: 0.1 },
  { method: 'dsr', moves: 200, threshold: 0.01, reallocate: false, newWeights: 'drawn' },
  { method: 'set-magnitude', fraction: 0.1, reallocate: true, newWeights: 'drawn' },
  { method: 'rigl' },
  { method: 'snfs', fraction: 0.4 },
  { method: 'granet' },
  { method: 'deepr', temperature: { '0ep': 1e-5, '1ep': 1e-7 } },
]

/** Other settings of a method that has a line, and GraNet, which has a file, wait for the night. */
const daily = rows(methods, (rewire) => !rewire.newWeights && rewire.method !== 'granet')

describe.each(daily)('$method', (rewire) => {
  it('keeps the number of weights; stopped before and after an event and resumed, it ends with the same bits', async () => {
    const whole = join(temporaryFolder(), 'run')
    const events = await run(rewire, whole)
    const moved = rewirings(events)
    if (rewire.method !== 'deepr') expect(moved.map(({ step }) => step)).toEqual([5, 10, 15, 20, 25, 35, 42, 49])
    for (const { pruned, grown, explored, remaining } of moved) {
      expect(grown).toBe(pruned)
      expect(explored).toBeGreaterThanOrEqual(0.1)
      expect(remaining).toBeLessThanOrEqual(1)
    }
    const masks = [...readSafetensors(join(whole, 'checkpoint.safetensors')).tensors].filter(([name]) =>
      name.endsWith('.mask'),
    )
    const kept = masks.map(([, { data }]) => (data as Uint8Array).reduce((a, b) => a + b, 0))
    expect(kept.reduce((a, b) => a + b, 0)).toBe(3236)
    // As many in every tensor as at the start, but where the method moves weights between tensors.
    if (!['dsr', 'deepr', 'snfs'].includes(rewire.method) && !rewire.reallocate) expect(kept).toEqual([3136, 80, 20])

    await endsAlike(rewire, whole, [4, 10, 31])
  }, 60_000)
})

describe('DSR as its code has it', () => {
  const faithful = { method: 'dsr', moves: 200, threshold: 0.01, faithful: true }

  it('has its events a step later; stopped before and after one and resumed, it ends with the same bits', async () => {
    const whole = join(temporaryFolder(), 'run')
    const events = await run(faithful, whole)
    const moved = rewirings(events)
    expect(moved.map(({ step }) => step)).toEqual([6, 11, 16, 21, 26, 36, 43, 50])
    for (const { pruned, grown } of moved) expect(grown).toBeGreaterThanOrEqual(pruned)
    expect(remains(whole)).not.toEqual(remains(await runTo(methods[0])))
    await endsAlike(faithful, whole, [5, 6, 31])
  }, 60_000)

  it('runs on dense kernels, and refuses others', async () => {
    const [auto, dense] = [await runTo(faithful), await runTo(faithful, 'dense')]
    expect(remains(auto)).toEqual(remains(dense))
    expect(() => recipe(faithful, 'sparse')).toThrow(
      /^tiny: train\.kernels: rewire\.faithful goes on with masked weights, expected dense, found sparse$/,
    )
  })

  async function runTo(rewire: Given, kernels?: string): Promise<string> {
    const out = join(temporaryFolder(), 'run')
    await run(rewire, out, Infinity, kernels)
    return out
  }
})

it('DSR moves the same weights with dense and with sparse kernels, but for rounding at its threshold', async () => {
  const first = async (kernels: string) => {
    const events = await run(methods[0], join(temporaryFolder(), 'run'), Infinity, kernels)
    const event = rewirings(events)[0]
    expect(event.pruned).toBeGreaterThan(50)
    return event
  }
  const [sparse, dense] = [await first('sparse'), await first('dense')]
  expect(Math.abs(sparse.pruned / dense.pruned - 1)).toBeLessThan(0.01)
  expect(Math.abs(sparse.remaining - dense.remaining)).toBeLessThan(0.01)
})

it.each<[string, Given, RegExp]>([
  ['a method without what it needs', { method: 'dsr' }, /rewire\.moves: dsr needs it, found nothing/],
  ['a key of another method', { method: 'set', moves: 3 }, /rewire\.moves: set has no use for it/],
  ['an unknown method', { method: 'rgl' }, /rewire\.method: found rgl \(did you mean rigl\?\)/],
  ['a period that is no duration', { method: 'set', every: '5' }, /rewire\.every/],
])('refused: %s', (_, rewire, message) => {
  expect(() => recipe(rewire)).toThrow(UserError)
  expect(() => recipe(rewire)).toThrow(message)
})

it.each<[string, Given, RegExp]>([
  ['no period at the start', { method: 'set', every: { '1ep': '5it' } }, /rewire\.every: expected a value from 0ep on/],
  [
    'an end before the start',
    { method: 'set', end: '0it' },
    /rewire\.end: expected a time after prune\.start 0it, found 0it/,
  ],
])('refused before there is a folder: %s', async (_, rewire, message) => {
  await expect(run(rewire, join(temporaryFolder(), 'run'))).rejects.toThrow(message)
})

it('needs a network that is sparse', () => {
  const { prune: _, ...dense } = { ...recipe(methods[1]) }
  expect(() => checkRecipe(dense, 'tiny')).toThrow(/rewire: needs a prune section with a one-shot schedule/)
})

it('SNFS needs a momentum', () => {
  const { train, ...rest } = recipe({ method: 'snfs' })
  const without = { ...rest, train: { ...train, momentum: 0, nesterov: false } }
  expect(() => checkRecipe(without, 'tiny')).toThrow(/^tiny: train\.momentum: snfs needs a momentum above 0, found 0$/)
})

describe('runs of weights', () => {
  const kernels = (granularity: string, rewire: object = { method: 'dsr', moves: 500 }) =>
    checkRecipe(
      {
        ...tiny,
        model: { name: 'lenet-5' },
        data: { name: 'synthetic' },
        train: { ...tiny.train, epochs: 1 },
        prune: { method: 'random', scope: 'layerwise', sparsity: 0.9, granularity },
        rewire: { every: '2it', end: '14it', ...rewire },
      },
      'tiny',
    )

  it('kernels of convolutions move as a whole, and no weights are lost but less than one kernel', async () => {
    const out = join(temporaryFolder(), 'run')
    const events: RunEvent[] = []
    await runRecipe(kernels('kernel'), { machine: best, out, onEvent: (event) => events.push(event) })
    const [pruning] = events.filter((event) => event.type === 'prune')
    const moved = rewirings(events)
    expect(moved).toHaveLength(6)
    expect(moved.some(({ layers }) => layers.some(({ name, pruned }) => name.startsWith('conv') && pruned > 0))).toBe(
      true,
    )
    const masks = [...readSafetensors(join(out, 'checkpoint.safetensors')).tensors].filter(([name]) =>
      name.endsWith('.mask'),
    )
    let [left, size] = [0, 0]
    for (const [, { shape, data }] of masks) {
      const mask = [...data]
      const length = shape.length === 4 ? shape[2] * shape[3] : 1
      expect(mask).toEqual(mask.map((_, i) => mask[i - (i % length)]))
      left += mask.reduce((a, b) => a + b, 0)
      size += mask.length
    }
    const start = Math.round((1 - pruning.sparsity) * size)
    expect(left).toBeLessThanOrEqual(start)
    expect(left).toBeGreaterThan(start - 25)
  }, 60_000)

  it.each<[string, object, RegExp]>([
    ['kernel', { method: 'deepr' }, /^tiny: prune\.granularity: expected weight with deepr, found kernel$/],
    ['2:4', { method: 'set' }, /^tiny: prune\.granularity: expected weight, row, kernel, filter with set, found 2:4$/],
    ['channel', { method: 'rigl' }, /prune\.granularity: expected .* with rigl, found channel$/],
  ])('refused: %s with %o', (granularity, rewire, message) => {
    expect(() => kernels(granularity, rewire)).toThrow(UserError)
    expect(() => kernels(granularity, rewire)).toThrow(message)
  })
})
