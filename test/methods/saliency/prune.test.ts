/** @file Pruning by measured scores: rounds, warm-up, what is refused. */
import { expect, it } from 'vitest'
import { gradualPruning, prune } from '../../../src/methods/prune.ts'
import { type SaliencyName, saliencies, saliencyOf } from '../../../src/methods/saliency/index.ts'
import { Scoring, type ScoringOptions } from '../../../src/methods/saliency/scoring/scoring.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { Network } from '../../../src/train/network.ts'
import { type Hook, train } from '../../../src/train/train.ts'
import { UserError } from '../../../src/util/errors.ts'
import { smallConv, smallImages } from '../../support/small-conv.ts'
import { machine, stateOf } from '../../train/small.ts'

const ALL = 153
const names = Object.keys(saliencies) as SaliencyName[]
const measuring = names.filter((name) => saliencyOf(name).needs)
const usesLoss = (name: SaliencyName) => saliencyOf(name).needs?.some((need) => need !== 'flow')

function networkFor(options: ScoringOptions) {
  const scoring = new Scoring({ ...options, ...(usesLoss(options.method) && { samples: 12, ...options }) })
  const { programs } = scoring
  return { scoring, network: new Network({ machine, model: smallConv, data: smallImages(), batch: 8, programs }) }
}
const maskOf = (network: Network) => network.prunable.flatMap(({ name }) => [...network.mask(name)])

it.each(names)('%s: exactly as many weights as asked for, with their values, reproducibly', (method) => {
  const [a, b] = [networkFor({ method }), networkFor({ method })]
  const before = a.network.prunable.flatMap(({ name }) => [...a.network.values(name)])
  const { sparsity } = prune(a.network, { method: a.scoring, sparsity: 0.8, seed: 1 })
  expect(sparsity).toBe(1 - keptCount(ALL, 0.8) / ALL)
  const mask = maskOf(a.network)
  expect(a.network.prunable.flatMap(({ name }) => [...a.network.values(name)])).toEqual(
    before.map((w, i) => (mask[i] ? w : 0)),
  )
  prune(b.network, { method: b.scoring, sparsity: 0.8, seed: 1 })
  expect(maskOf(b.network)).toEqual(mask)
})

it.each(measuring)(
  '%s: a weight that is not a number is refused with the name of a tensor, and nothing changes',
  (method) => {
    const { scoring, network } = networkFor({ method })
    prune(network, { sparsity: 0.3 })
    network.values('conv2.weight')[5] = Number.NaN
    const before = stateOf(network)
    const attempt = () => prune(network, { method: scoring, sparsity: 0.8 })
    expect(attempt).toThrow(UserError)
    expect(attempt).toThrow(/^the score of (conv1|conv2|fc)\.weight\[\d+\] is NaN: nothing was pruned$/)
    expect(stateOf(network)).toEqual(before)
  },
)

it('a weight removed in one round comes back in another with FORCE, never with Iter-SNIP', () => {
  const returned = (method: 'force' | 'iter-snip') => {
    const { scoring, network } = networkFor({ method })
    const score = scoring.score.bind(scoring)
    let [last, count] = [maskOf(network), 0]
    scoring.score = (...args) => {
      const now = maskOf(network)
      const weights = network.prunable.flatMap(({ name }) => [...network.values(name)])
      // Gradients are those of the network as the round before left it.
      expect(weights.every((w, i) => (w !== 0) === (now[i] === 1))).toBe(true)
      count += now.filter((bit, i) => bit > last[i]).length
      last = now
      score(...args)
    }
    prune(network, { method: scoring, sparsity: 0.9 })
    return count
  }
  expect(returned('iter-snip')).toBe(0)
  expect(returned('force')).toBeGreaterThan(0)
})

it('FORCE brings back nothing that an earlier event removed', () => {
  const { scoring, network } = networkFor({ method: 'force' })
  prune(network, { method: 'random', sparsity: 0.5 })
  const before = maskOf(network)
  prune(network, { method: scoring, sparsity: 0.8 })
  expect(maskOf(network).filter((bit, i) => bit > before[i])).toEqual([])
  expect(maskOf(network).reduce((a, b) => a + b)).toBe(keptCount(ALL, 0.8))
})

it('rounds: the same share of what is left each time; progress counts runs over all rounds', () => {
  const { scoring, network } = networkFor({ method: 'iter-snip', rounds: 4 })
  const score = scoring.score.bind(scoring)
  const kept: number[] = []
  scoring.score = (...args) => {
    kept.push(maskOf(network).reduce((a, b) => a + b))
    score(...args)
  }
  const seen: string[] = []
  const progress = (done: number, total: number) => seen.push(`${done}/${total}`)
  prune(network, { method: scoring, sparsity: 0.9, progress })
  expect(kept).toEqual([0, 1, 2, 3].map((t) => keptCount(ALL, 1 - 0.1 ** (t / 4))))
  expect(seen).toEqual(['1/4', '2/4', '3/4', '4/4'])
})

it('a round that fails leaves the network as it was before the first', () => {
  const { scoring, network } = networkFor({ method: 'iter-snip' })
  prune(network, { sparsity: 0.3 })
  const before = stateOf(network)
  const score = scoring.score.bind(scoring)
  scoring.score = (own, layers, time, ran) => {
    if (time.round === 2) throw new UserError('no')
    score(own, layers, time, ran)
  }
  expect(() => prune(network, { method: scoring, sparsity: 0.9 })).toThrow('no')
  expect(stateOf(network)).toEqual(before)
})

it.each(['fts', 'grasp', 'force', 'synflow'] as const)(
  '%s after a warm-up: removed weights and their momentum are 0 after every step',
  async (method) => {
    const { scoring, network } = networkFor({ method })
    let checked = 0
    const check: Hook = {
      atStep(step) {
        if (step < 3) return
        network.assertMasked()
        const mask = maskOf(network)
        const momentum = network.prunable.flatMap(({ name }) => [...network.momentum(name)])
        expect(momentum.filter((v, i) => v !== 0 && mask[i] === 0)).toEqual([])
        expect(momentum.some((v) => v !== 0)).toBe(true)
        expect(network.counts().reduce((sum, { kept }) => sum + kept, 0)).toBe(keptCount(ALL, 0.7))
        checked++
      },
    }
    const schedule = { kind: 'one-shot', sparsity: 0.7, start: 3, end: 3, every: 1 } as const
    await train(network, {
      epochs: 3,
      optimizer: { momentum: 0.9, weightDecay: 1e-3 },
      schedule: { kind: 'constant', base: 0.05 },
      hooks: [gradualPruning({ method: scoring, schedule }), check],
    })
    expect(checked).toBe(7)
  },
)

it.each<[ScoringOptions, RegExp]>([
  [
    { method: 'fts', batchNorm: 'train' },
    /^scoring\.batchNorm: train normalizes .* expected a miniBatch of at least 2, found 1$/,
  ],
  [
    { method: 'snip', samples: 1, batchNorm: 'refreshed' },
    /^scoring\.batchNorm: .* at least 2 samples, found samples: 1$/,
  ],
  [{ method: 'magnitude', samples: 5 }, /^scoring\.samples: magnitude has no use for it/],
  [{ method: 'synflow', temperature: 2 }, /^scoring\.temperature: synflow has no use for it/],
  [{ method: 'snip', rounds: 3 }, /^scoring\.rounds: snip has no use for it/],
  [{ method: 'fts', probes: 3 }, /^scoring\.probes: fts has no use for it/],
  [{ method: 'fbss', sign: '-' }, /^scoring\.sign: fbss has no use for it/],
  [
    { method: 'fts', samples: 30, available: 29 },
    /^scoring\.samples: expected at most the 29 training samples, found 30$/,
  ],
])('%o is refused', (options, message) => {
  expect(() => new Scoring(options)).toThrow(UserError)
  expect(() => new Scoring(options)).toThrow(message)
})

it('a method that measures is not taken by its name alone', () => {
  const { network } = networkFor({ method: 'magnitude' })
  expect(() => prune(network, { method: 'snip', sparsity: 0.5 })).toThrow(
    /^snip measures the network: expected a Scoring/,
  )
})
