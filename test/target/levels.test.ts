/** @file Levels of single tensors beside the pruning of exactly that, and levels that are kept. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MethodName } from '../../src/methods/index.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import { LevelStore } from '../../src/target/level-store.ts'
import { measureLevels } from '../../src/target/levels.ts'
import { keeps, lossesOf } from '../../src/target/tensor-levels.ts'
import { Trials } from '../../src/target/trials.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { dataOf, machine, model } from '../train/small.ts'

const data = dataOf({ train: 200, test: 100 })
const trained = new Network({ machine, model, data, batch: 20, judged: 100 })
await train(trained, { epochs: 12, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
const weights = weightsOf(trained)
const tensors = trained.prunable

const trialsOf = (method: MethodName, settings: object = {}) =>
  new Trials({ machine, model, data, weights, source: 'small', tensors, method, settings, seed: 3, judges: 80 })

const weightsIn = (network: Network) =>
  new Map(trained.stored.map(({ name }) => [name, Float32Array.from(network.weights.whole(name))]))

const methods: [MethodName, object][] = [
  ['magnitude', {}],
  ['snip', { samples: 40 }],
  ['synflow', {}],
  ['woodfisher', { samples: 40, judge: 80, stages: 2 }],
  ['obc', { samples: 40 }],
  ['sparsegpt', { samples: 40 }],
]

describe.each(methods)('a trial of %s', (method, settings) => {
  it('is the pruning of that tensor alone, and the next one begins at the dense weights again', async () => {
    const trials = trialsOf(method, settings)
    // In an order in which every trial would inherit something from the last.
    for (const [t, sparsity] of [
      [1, 0.9],
      [1, 0.5],
      [0, 0.75],
      [2, 0.5],
    ]) {
      const { name } = tensors[t]
      const { network } = await trials.prune([tensors[t]], new Map([[name, sparsity]]))
      const quiet = { polish: 0, refreshBatchNorm: 'none', ...settings }
      const options = { machine, model, data, weights, sparsity, include: [name], seed: 3, settings: quiet }
      const alone = await pruneBy(method, { ...options, scope: 'layerwise' })
      for (const { name } of trained.stored)
        expect(network.weights.whole(name)).toEqual(alone.network.weights.whole(name))
    }
    const dense = await trials.dense()
    for (const { name } of trained.stored) expect(dense.values(name)).toEqual(trained.values(name))
  })

  it('shows every tensor alone as it prunes that, and is dense again afterwards', async () => {
    const sparsities = new Map([[0.5, 0.9], [0.75], [0.5]].map((list, t) => [tensors[t].name, list]))
    const seen: [string, number, ReturnType<Trials['judge']>, Map<string, Float32Array>][] = []
    const trials = trialsOf(method, settings)
    for await (const { tensor, sparsity, network } of trials.alone(tensors, sparsities))
      seen.push([tensor.name, sparsity, trials.judge(network), weightsIn(network)])
    expect(seen.map(([name, sparsity]) => [name, sparsity])).toEqual(
      [...sparsities].flatMap(([name, list]) => list.map((sparsity) => [name, sparsity])),
    )
    for (const [name, sparsity, judged, found] of seen) {
      const one = tensors.find((tensor) => tensor.name === name)!
      const { network } = await trials.prune([one], new Map([[name, sparsity]]))
      expect(found).toEqual(weightsIn(network))
      expect(judged).toEqual(trials.judge(network))
    }
  })

  it('of several tensors keeps exactly the shares that are asked for', async () => {
    const sparsities = new Map([0.5, 0, 0.75].map((sparsity, t) => [tensors[t].name, sparsity]))
    const { network } = await trialsOf(method, settings).prune(tensors, sparsities)
    expect(network.counts().map(({ kept }) => kept)).toEqual([150, 96, 8])
  })
})

it('methods that know one sparsity only say so', async () => {
  const sparsities = new Map(tensors.map(({ name }) => [name, 0.5]))
  await expect(trialsOf('cbs', { samples: 40, judge: 80 }).prune(tensors, sparsities)).rejects.toThrow(
    'cbs knows one sparsity for all tensors only',
  )
})

describe('levels', () => {
  it('hold the loss, the count and the places of what is left', async () => {
    const trials = trialsOf('magnitude')
    const found = await measureLevels(trials, tensors, { sparsities: [0.5, 0.9] })
    expect(found.map(({ name, size }) => [name, size])).toEqual([
      ['fc1.weight', 300],
      ['fc2.weight', 96],
      ['fc3.weight', 32],
    ])
    const dense = trials.judge(await trials.dense())
    for (const { name, levels } of found) {
      expect(levels.map(({ sparsity }) => sparsity)).toEqual([0, 0.5, 0.9])
      expect(levels[0]).toMatchObject(dense)
      for (const level of levels.slice(1)) {
        const { network } = await trials.prune(
          tensors.filter((tensor) => tensor.name === name),
          new Map([[name, level.sparsity]]),
        )
        expect(level).toMatchObject(trials.judge(network))
        const values = network.weights.whole(name)
        expect(Array.from(values, (w) => w !== 0)).toEqual(Array.from(values, (_, i) => keeps(level, i)))
        expect(level.kept).toBe(values.filter((w: number) => w !== 0).length)
      }
    }
    // Not the easy case in which nothing matters.
    expect(Math.max(...found.map(({ levels }) => levels[2].loss))).toBeGreaterThan(dense.loss + 0.05)
  })

  it.each(methods)('by %s are those of its trials, one by one', async (method, settings) => {
    const trials = trialsOf(method, settings)
    const found = await measureLevels(trials, tensors, { sparsities: [0.6, 0.95] })
    for (const [t, { levels }] of found.entries())
      for (const level of levels.slice(1)) {
        const { network } = await trials.prune([tensors[t]], new Map([[tensors[t].name, level.sparsity]]))
        expect(level).toMatchObject(trials.judge(network))
        const values = network.weights.whole(tensors[t].name)
        expect(Array.from(values, (w) => w !== 0)).toEqual(Array.from(values, (_, i) => keeps(level, i)))
      }
  })

  it('never count more pruning as less, nor any as a gain', () => {
    const mask = new Uint8Array(0)
    const levels = [1, 0.9, 1.4, 1.2, 3].map((loss, i) => ({ sparsity: i / 5, kept: 0, loss, mask }))
    expect(lossesOf({ name: '', size: 0, levels })).toEqual([0, 0, 0.4, 0.4, 2].map((x) => expect.closeTo(x, 12)))
  })

  it('that are kept are not measured again; damaged ones are', async () => {
    const parent = temporaryFolder()
    const store = () => new LevelStore(parent, 'key')
    const trials = trialsOf('magnitude')
    const found = await measureLevels(trials, tensors, { sparsities: [0.5], store: store() })
    trials.alone = () => {
      throw new Error('measured again')
    }
    expect(await measureLevels(trials, tensors, { sparsities: [0.5], store: store() })).toEqual(found)
    const other = new LevelStore(parent, 'another key')
    await expect(measureLevels(trials, tensors, { sparsities: [0.5], store: other })).rejects.toThrow('measured again')
    const { folder } = store()
    for (const file of readdirSync(folder)) writeFileSync(join(folder, file), '{')
    const again = await measureLevels(trialsOf('magnitude'), tensors, { sparsities: [0.5], store: store() })
    expect(again).toEqual(found)
  })
})

it('judges networks without labels after new statistics, however few samples there are', async () => {
  // Half of them decide whether the statistics are taken: no whole number of batches, nor are all of them.
  const { classes: _, ...unlabelled } = dataOf({ train: 118, test: 20 })
  const trials = new Trials({
    machine,
    model,
    data: unlabelled,
    weights,
    source: 'small',
    tensors,
    method: 'magnitude',
    settings: {},
    seed: 3,
  })
  expect(trials.judges).toBe(118)
  const before = trials.judge(await trials.dense())
  expect(before.loss).toBeLessThan(1e-6)
  const half = new Map(tensors.map(({ name }) => [name, 0.5]))
  const { network } = await trials.prune(tensors, half, { afterwards: true })
  expect(trials.judge(network).loss).toBeGreaterThan(1e-3)
})
