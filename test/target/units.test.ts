/** @file Levels of channels beside really pruning them, and the search beside all choices. */
import { describe, expect, it } from 'vitest'
import { methods } from '../../src/methods/index.ts'
import { once, pruneAsPlanned } from '../../src/methods/method.ts'
import { prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { pruningEvents } from '../../src/sparsity/schedule.ts'
import { chooseTensors } from '../../src/sparsity/tensors.ts'
import { type NetworkCosts, searchUnits, type UnitSearch } from '../../src/target/search-units.ts'
import { Trials } from '../../src/target/trials.ts'
import { askedAt, countsOf, eachRemoved, type UnitLevels, unitLosses, unitsOf } from '../../src/target/unit.ts'
import { measureUnits } from '../../src/target/unit-levels.ts'
import { loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { random } from '../../src/util/random.ts'
import { dataOf, machine, model } from '../train/small.ts'

describe('units', () => {
  const names = (model: string, kind: 'channel' | 'auto') => {
    const found = findModel(model)
    return unitsOf(found, chooseTensors(found, { prunable: 'all' }), kind)
  }

  it('are the channels that the same layers make, with every tensor that loses weights with them', () => {
    const units = names('resnet20', 'channel')
    const stem = units.find(({ name }) => name === 'conv1.weight')!
    expect(stem.channels).toBe(16)
    expect(stem.makers.map(({ name }) => name)).toEqual([
      'conv1.weight',
      ...[0, 1, 2].map((block) => `layer1.${block}.conv2.weight`),
    ])
    expect(stem.parts.map(({ name }) => name)).toContain('layer2.0.downsample.0.weight')
    expect(units.some(({ name }) => name.startsWith('fc'))).toBe(false)
  })

  it.each(['resnet20', 'resnet20-a', 'densenet-40', 'lenet-5'])(
    '%s: every tensor has one owner of its zeros',
    (name) => {
      const owners = names(name, 'auto').flatMap(({ makers }) => makers.map((tensor) => tensor.name))
      const all = chooseTensors(findModel(name), { prunable: 'all' }).map((tensor) => tensor.name)
      expect(owners.toSorted()).toEqual(all.toSorted())
    },
  )

  it('numbers of channels descend in multiples, with one multiple at least', () => {
    expect(countsOf(64, 1)).toEqual([56, 48, 40, 32, 24, 16, 8])
    expect(countsOf(64, 1, 16)).toHaveLength(15)
    expect(countsOf(20, 8)).toEqual([16, 8])
    expect(countsOf(3, 1)).toEqual([2, 1])
    expect(countsOf(6, 8)).toEqual([])
  })
})

describe('levels', () => {
  const data = dataOf({ train: 200, test: 100 })
  const tensors = new Network({ machine, model, data }).prunable

  it('of channels are those of pruning that group alone, what reads it solved anew', async () => {
    const trained = new Network({ machine, model, data, batch: 20, judged: 100 })
    await train(trained, { epochs: 12, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
    const weights = weightsOf(trained)
    const options = { machine, model, data, weights, source: 'small', tensors, seed: 3, judges: 80 }
    const trials = new Trials({ ...options, method: 'magnitude', settings: {} })
    const units = await measureUnits(trials, unitsOf(model, tensors, 'auto'))
    expect(units.map(({ name }) => name)).toEqual(['fc1.weight', 'fc2.weight', 'fc3.weight'])
    const request = {
      model,
      data: { name: data.name, samples: 200 },
      tensors,
      scope: 'layerwise' as const,
      sparsities: new Map(tensors.map(({ name }) => [name, 0])),
      seed: 3,
      nameOf: (key: string) => key,
    }
    let solved = 0
    for (const { name, parts, levels } of units)
      for (const level of levels.filter(({ channels }) => channels !== undefined)) {
        const masks = { granularity: 'channel', channels: new Map([[name, level.channels!]]) }
        const plan = await methods.magnitude.plan({ refreshBatchNorm: 'none' }, { ...request, masks })
        const network = new Network({ machine, model, data, batch: 1, ...plan.network })
        loadWeights(network, weights, 'small')
        const { reconstructed } = pruneAsPlanned(plan, network, once(0), 0)
        const left = Object.fromEntries(network.counts().map(({ name, kept }) => [name, kept]))
        const removed: Record<string, number> = {}
        eachRemoved({ ...units[0], parts }, level, (tensor) => {
          removed[tensor] = (removed[tensor] ?? 0) + 1
        })
        for (const { name, shape } of tensors)
          expect((removed[name] ?? 0) + left[name]).toBe(shape.reduce((a, b) => a * b, 1))
        if (!reconstructed?.taken) continue
        solved++
        const judged = new Trials({ ...options, weights: weightsOf(network), method: 'magnitude', settings: {} })
        expect(judged.judge(await judged.dense()).loss).toBeCloseTo(level.loss, 5)
      }
    expect(solved).toBeGreaterThan(5)
    const { channels, sparsities } = askedAt(units, tensors, new Map(units.map(({ name }, u) => [name, [2, 9, 1][u]])))
    expect([...channels]).toEqual([['fc1.weight', units[0].levels[2].channels]])
    expect([...sparsities.values()]).toEqual([0, units[1].levels[9].sparsity, 0.5])
  })
})

it('what cannot be is refused', async () => {
  const data = dataOf({ train: 40, test: 20 })
  const { prunable: tensors, stored } = new Network({ machine, model, data })
  expect(stored.length).toBeGreaterThan(0)
  expect(() => unitsOf(model, tensors, '2:4' as 'auto')).toThrow('kind: there is no "2:4" (known: channel, auto)')
  const network = new Network({ machine, model, data, batch: 1 })
  const pruneTo = (name: string, count: number) => () =>
    prune(network, { granularity: 'channel', sparsity: 0, channels: new Map([[name, count]]) })
  expect(pruneTo('nope', 3)).toThrow('channels: expected names of fc1.weight, fc2.weight, the first layers that make')
  expect(pruneTo('fc1.weight', 300)).toThrow('channels: fc1.weight: expected a whole number from 1 to 12, found 300')
  expect(pruneTo('fc1.weight', 0)).toThrow('channels: fc1.weight: expected a whole number from 1 to 12, found 0')
})

it('on a schedule both kinds go to what was chosen, and no event takes a share of a share', async () => {
  const data = dataOf({ train: 40, test: 20 })
  const tensors = new Network({ machine, model, data }).prunable
  const [fc1, fc2, fc3] = tensors
  const plan = await methods.magnitude.plan(
    { refreshBatchNorm: 'none', reconstruct: 'none' },
    {
      model,
      data: { name: data.name, samples: 40 },
      tensors,
      scope: 'layerwise' as const,
      sparsities: new Map([
        [fc1.name, 0.8],
        [fc2.name, 0],
        [fc3.name, 0.5],
      ]),
      masks: { granularity: 'channel', channels: new Map([[fc1.name, 3]]) },
      seed: 3,
      nameOf: (key: string) => key,
    },
  )
  const network = new Network({ machine, model, data, batch: 1, ...plan.network })
  const [units, inputs] = fc1.shape
  const events = pruningEvents({ kind: 'cubic', sparsity: 0.7, start: 0, end: 30, every: 10 })
  const seen = events.map((event, i) => {
    pruneAsPlanned(plan, network, event, i)
    const kept = new Map(network.counts().map(({ name, kept }) => [name, kept]))
    const mask = network.mask(fc1.name)
    const rows = Array.from({ length: units }, (_, o) => mask.slice(o * inputs, (o + 1) * inputs).includes(1))
    const left = rows.filter(Boolean).length
    expect(left).toBe(units - Math.round(units * event.at(1 - 3 / units)))
    expect(Math.abs(kept.get(fc1.name)! - left * inputs * (1 - event.at(0.8)))).toBeLessThanOrEqual(1)
    // What reads a channel that is gone goes with it, and nothing else.
    expect(kept.get(fc2.name)).toBe(fc2.shape[0] * left)
    expect(Math.abs(kept.get(fc3.name)! - fc3.shape[0] * fc3.shape[1] * (1 - event.at(0.5)))).toBeLessThanOrEqual(1)
    return left
  })
  expect(seen).toEqual([...seen].sort((a, b) => b - a))
  expect(seen.at(-1)).toBe(3)
})

describe('the search', () => {
  const LEVELS = 5
  /** Three layers one behind the other: the cost of each is the product of what its neighbours keep. */
  function problem(seed: number): Omit<UnitSearch, 'targets'> {
    const draw = random(seed, 'problem')
    const shares = [1, 0.8, 0.6, 0.4, 0.2]
    const names = ['a', 'b', 'c']
    const sizes = Array.from({ length: 4 }, () => 1 + draw.uniform())
    const units = names.map((name): UnitLevels => {
      let loss = 1
      const levels = shares.map((share, l) => {
        loss += l === 0 ? 0 : draw.uniform() ** 2
        return {
          sparsity: 1 - share,
          channels: l === 0 ? undefined : 10 * share,
          kept: 0,
          mask: new Uint8Array(),
          loss,
        }
      })
      return { name, makers: [], parts: [], asked: [], levels }
    })
    const costs = (levels: ReadonlyMap<string, number>): NetworkCosts => {
      const kept = [1, ...names.map((name) => shares[levels.get(name) ?? 0]), 1]
      const sum = sizes.reduce((all, size, i) => all + size * kept[i] * kept[i + 1], 0)
      return { milliseconds: sum, bytes: 1000 * sum, multiplyAdds: 100 * sum }
    }
    const alone = new Map(names.map((name) => [name, shares.map((_, l) => costs(new Map([[name, l]])))]))
    return { units, dense: costs(new Map()), alone, measure: async (levels) => costs(levels) }
  }

  /** The least loss of all choices within a time. */
  async function least({ units, measure }: Omit<UnitSearch, 'targets'>, most: number): Promise<number> {
    let best = Number.POSITIVE_INFINITY
    for (let code = 0; code < LEVELS ** 3; code++) {
      const at = units.map((_, u) => Math.floor(code / LEVELS ** u) % LEVELS)
      const { milliseconds } = await measure(new Map(units.map(({ name }, u) => [name, at[u]])))
      const loss = units.reduce((sum, unit, u) => sum + unitLosses(unit)[at[u]], 0)
      if (milliseconds! <= most) best = Math.min(best, loss)
    }
    return best
  }

  it('meets targets as the network really is, and loses little more than the best of all choices', async () => {
    let [found, best] = [0, 0]
    for (let seed = 0; seed < 40; seed++) {
      const given = problem(seed)
      const milliseconds = (0.3 + 0.5 * random(seed, 'target').uniform()) * given.dense.milliseconds!
      const { loss, costs } = await searchUnits({ ...given, targets: { milliseconds } })
      expect(costs.milliseconds).toBeLessThanOrEqual(milliseconds)
      const optimum = await least(given, milliseconds)
      expect(loss).toBeGreaterThanOrEqual(optimum - 1e-9)
      found += loss
      best += optimum
    }
    expect(found).toBeLessThan(1.25 * best)
  })

  it('says what can be had, and where there is nothing to do', async () => {
    const given = problem(1)
    const { milliseconds } = await given.measure(
      new Map([
        ['a', 4],
        ['b', 4],
        ['c', 4],
      ]),
    )
    await expect(searchUnits({ ...given, targets: { milliseconds: 0.5 * milliseconds! } })).rejects.toThrow(
      `ms cannot be met: with everything at its cheapest level the network takes ${milliseconds!.toPrecision(3)} ms`,
    )
    await expect(searchUnits({ ...given, targets: { flops: 1 } })).rejects.toThrow(
      'flops: there is nothing to do: the network takes 1.00 of the multiply-adds as it is',
    )
    // Two targets, of which one decides.
    const both = await searchUnits({ ...given, targets: { milliseconds: 100, flops: 0.5 } })
    expect(both.costs.multiplyAdds).toBeLessThanOrEqual(0.5 * given.dense.multiplyAdds)
  })
})
