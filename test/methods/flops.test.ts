/** @file Pruning by scores under a budget of multiply-adds: once, in rounds, while a network trains. */
import { describe, expect, it } from 'vitest'
import type { MethodName } from '../../src/methods/index.ts'
import { gradualPruning, type PruneOptions, prune } from '../../src/methods/prune.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import { Scoring } from '../../src/methods/saliency/scoring/scoring.ts'
import { pruneSecondOrder } from '../../src/methods/second-order/driver.ts'
import { GradientSource } from '../../src/methods/second-order/fisher/gradients.ts'
import type { SecondOrderOptions } from '../../src/methods/second-order/options.ts'
import { multiplyAddsOf, weightCosts } from '../../src/sparsity/multiply-adds.ts'
import { type PruningSchedule, pruningEvents } from '../../src/sparsity/schedule.ts'
import { scopes } from '../../src/sparsity/scope.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { UserError } from '../../src/util/errors.ts'
import { smallConv, smallImages } from '../support/small-conv.ts'
import { machine, stateOf } from '../train/small.ts'

const network = (scoring?: Scoring) =>
  new Network({ machine, model: smallConv, data: smallImages(), batch: 8, programs: scoring?.programs })
/** 27 weights of 36 multiply-adds, 54 of 9 and 72 of 1. */
const DENSE = 1530
const kept = (one: Network) => one.counts().reduce((sum, layer) => sum + layer.kept, 0)
const cost = (one: Network) => multiplyAddsOf(weightCosts(smallConv), one.counts()).kept

it('magnitude keeps the largest sum of squares that both budgets allow', () => {
  const one = network()
  const squares = one.prunable.map(({ name }) => [...one.values(name)].map((w) => Math.fround(w * w)))
  const result = prune(one, { sparsity: 0.5, flops: 0.2 })
  expect(result.multiplyAdds).toEqual({ dense: DENSE, kept: cost(one) })
  expect(kept(one)).toBeLessThanOrEqual(153 - 77)
  expect(cost(one)).toBeLessThanOrEqual(306)
  // Of each layer the largest stay, so that counts say all: those of the largest sum, one by one.
  const sorted = squares.map((layer) => layer.sort((a, b) => b - a))
  let best = 0
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  for (let a = 0; a <= 8; a++)
    for (let b = 0; b <= Math.min(54, (306 - 36 * a) / 9); b++) {
      const c = Math.min(72, 306 - 36 * a - 9 * b, 76 - a - b)
      if (c < 0) continue
      best = Math.max(best, sum(sorted[0].slice(0, a)) + sum(sorted[1].slice(0, b)) + sum(sorted[2].slice(0, c)))
    }
  const found = one.prunable.reduce((total, { name }) => total + sum([...one.values(name)].map((w) => w * w)), 0)
  expect(found).toBeLessThanOrEqual(best * (1 + 1e-6))
  expect(found).toBeGreaterThan(best - Math.max(...squares.flat()))
  expect(found).toBeGreaterThan(0.98 * best)
})

it('a share that the sparsity keeps anyway changes nothing', () => {
  const [one, other] = [network(), network()]
  prune(one, { sparsity: 0.5 })
  const share = Math.ceil((1000 * cost(one)) / DENSE) / 1000
  prune(other, { sparsity: 0.5, flops: share })
  expect(stateOf(other)).toEqual(stateOf(one))
})

it('fewer weights stay where no more of them fit, and what was removed stays removed', () => {
  const one = network()
  prune(one, { sparsity: 0.1, flops: 0.03 })
  // 45 multiply-adds: as many weights at most.
  expect(cost(one)).toBe(46)
  expect(kept(one)).toBeLessThanOrEqual(46)
  const before = one.prunable.map(({ name }) => [...one.mask(name)])
  prune(one, { sparsity: 0.1, flops: 1 })
  expect(one.prunable.map(({ name }) => [...one.mask(name)])).toEqual(before)
})

it.each([1, 5])('synflow in %i rounds ends within both budgets', (rounds) => {
  const scoring = new Scoring({ method: 'synflow', rounds })
  const one = network(scoring)
  prune(one, { method: scoring, sparsity: 0.8, flops: 0.1 })
  expect(kept(one)).toBe(153 - 122)
  expect(cost(one)).toBeLessThanOrEqual(153)
  expect(cost(one)).toBeGreaterThan(153 - 36)
})

it('onCollapse floor: the floor counts, too, and one that costs too much is refused', () => {
  const faint = () => {
    const one = network()
    one.values('conv2.weight').set(one.values('conv2.weight').map((w) => w * 1e-6))
    return one
  }
  const options: PruneOptions = { sparsity: 0.8, flops: 0.2 }
  expect(prune(faint(), options).collapsed.map(({ name }) => name)).toEqual(['conv2.weight'])
  const floored = faint()
  const result = prune(floored, { ...options, onCollapse: 'floor' })
  expect(result.collapsed).toEqual([])
  expect(cost(floored)).toBeLessThanOrEqual(306)
  expect(() => prune(faint(), { ...options, flops: 0.02, floor: { weights: 1, share: 0 } })).toThrow(
    'a floor of 1 in every layer needs 46 multiply-adds, the share that may stay is 31',
  )
})

describe('while the network trains', () => {
  const schedule: PruningSchedule = { kind: 'cubic', sparsity: 0.8, start: 2, end: 8, every: 2 }

  it('the share falls to the final one as the density does', async () => {
    const one = network()
    const events = pruningEvents(schedule)
    const found: number[] = []
    const pruning = gradualPruning({
      schedule,
      flops: 0.1,
      after: (step, target, { multiplyAdds }) => {
        const event = events.find((each) => each.step === step)!
        expect(target).toBe(event.sparsity)
        // 1 - 0.9 (1 - (1 - j / 4)^3).
        const share = 1 - 0.9 * (1 - (1 - step / 8) ** 3)
        expect(multiplyAdds!.kept).toBeLessThanOrEqual(Math.round(DENSE * share))
        expect(multiplyAdds!.kept).toBeGreaterThan(DENSE * share - 37)
        found.push(multiplyAdds!.kept)
      },
    })
    await train(one, { epochs: 4, hooks: [pruning], schedule: { kind: 'constant', base: 0.01 } })
    expect(found).toHaveLength(4)
    expect(found.at(-1)).toBeLessThanOrEqual(153)
    one.assertMasked()
  })

  it('does not go with a sparsity of the first event', () => {
    expect(() => gradualPruning({ schedule: { ...schedule, initial: 0.1 }, flops: 0.1 })).toThrow(
      'flops: does not go with schedule.initial',
    )
  })
})

it.each<[Partial<PruneOptions>, string]>([
  [{ flops: 0 }, 'flops: expected a share of the multiply-adds above 0 and at most 1, found 0'],
  [{ flops: 1.5 }, 'flops: expected a share of the multiply-adds above 0 and at most 1, found 1.5'],
  [{ flops: Number.NaN }, 'flops: expected a share of the multiply-adds above 0 and at most 1, found NaN'],
  [{ flops: 0.5, scope: 'layerwise' }, 'flops: expected scope global, found layerwise'],
  [{ flops: 0.5, scope: { ...scopes.erk, summary: 'my own' } }, 'flops: expected scope global, found my own'],
  [{ flops: 0.5, granularity: 'channel' }, 'flops: expected granularity weight, found channel'],
  [{ flops: 0.5, granularity: '2:4' }, 'flops: expected granularity weight, found 2:4'],
])('refused, and nothing is changed: %o', (options, message) => {
  const one = network()
  const before = stateOf(one)
  const attempt = () => prune(one, { sparsity: 0.5, ...options })
  expect(attempt).toThrow(UserError)
  expect(attempt).toThrow(message)
  expect(stateOf(one)).toEqual(before)
})

it.each<[Partial<SecondOrderOptions>, string]>([
  [{ method: 'chita' }, 'flops: chita does not choose weights by scores'],
  [{ scope: 'layerwise' }, 'flops: needs one ranking over all layers, expected scope global, found layerwise'],
])('second-order pruning refuses %o', (options, message) => {
  const source = new GradientSource({ tensors: ['fc.weight'], samples: 4 })
  const [gradients, judge] = [new Uint32Array(4), new Uint32Array(4)]
  const attempt = () =>
    pruneSecondOrder(network(), source, { method: 'obd', sparsity: 0.5, flops: 0.5, gradients, judge, ...options })
  expect(attempt).toThrow(UserError)
  expect(attempt).toThrow(message)
})

describe('by name', () => {
  const options = { machine, model: smallConv, data: smallImages(), sparsity: 0.6, flops: 0.15 }
  const few = { samples: 10, judge: 10, polish: 0, refreshBatchNorm: 'none' }

  it.each<[MethodName, object]>([
    ['snip', { samples: 10 }],
    ['obd', few],
    ['woodfisher', few],
    ['cbs-update', { ...few, stages: 3 }],
    ['falcon', { ...few, stages: 3 }],
    ['falcon', { ...few, stages: 2, blocks: 20 }],
  ])('%s keeps both budgets, %o', async (name, settings) => {
    const { network: one, result } = await pruneBy(name, { ...options, settings })
    expect(result.multiplyAdds).toEqual({ dense: DENSE, kept: cost(one) })
    expect(cost(one)).toBeLessThanOrEqual(Math.round(0.15 * DENSE))
    expect(cost(one)).toBeGreaterThan(0.15 * DENSE - 37)
    expect(kept(one)).toBeLessThanOrEqual(153 - 92)
    // Stages come to the same, the last one included.
    const last = result.stages?.at(-1)
    if (last) expect([last.kept, last.multiplyAdds]).toEqual([kept(one), cost(one)])
  })

  it.each<[MethodName, object, string]>([
    ['cbs', {}, 'flops: cbs does not choose weights by scores that a budget of multiply-adds could weigh'],
    ['chita', {}, 'flops: chita does not choose weights by scores'],
    ['obc', {}, 'flops: obc does not choose weights by scores'],
    ['obd', { scope: 'layerwise' }, 'flops: needs one ranking over all layers, expected scope global, found layerwise'],
    ['magnitude', { flops: -1 }, 'flops: expected a share of the multiply-adds above 0 and at most 1, found -1'],
  ])('%s refuses %o', async (name, given, message) => {
    const refused = await pruneBy(name, { ...options, ...given }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(UserError)
    expect((refused as Error).message).toContain(message)
  })
})
