/**
 * @file What must not matter to a method: the order of channels, the scale of all weights, how samples are
 * split into runs and mini-batches.
 */
import { describe, expect, it } from 'vitest'
import { prune } from '../../src/methods/prune.ts'
import { type SaliencyName, saliencies, saliencyOf } from '../../src/methods/saliency/index.ts'
import { Scoring, type ScoringOptions } from '../../src/methods/saliency/scoring/scoring.ts'
import { pruneSecondOrder, type SecondOrderMethod } from '../../src/methods/second-order/driver.ts'
import { GradientSource } from '../../src/methods/second-order/fisher/gradients.ts'
import { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { worstError } from '../support/columns-case.ts'
import { smallConv, smallImages, stirBatchNorm } from '../support/small-conv.ts'
import { machine } from '../train/small.ts'

const SAMPLES = 24
const data = smallImages({ train: 2 * SAMPLES })
const names = Object.keys(saliencies) as SaliencyName[]
/** Those that draw a number for every weight, in the order of the weights, are estimates that may differ. */
const exact = names.filter((name) => name !== 'random' && !saliencyOf(name).needs?.includes('hessianDiagonal'))
const usesLoss = (name: SaliencyName) => saliencyOf(name).needs?.some((need) => need !== 'flow') ?? false
const scoringOf = (method: SaliencyName, options: Partial<ScoringOptions> = {}) =>
  new Scoring({ method, ...(usesLoss(method) && { samples: SAMPLES, ...options }) })

function networkOf(programs: NetworkOptions['programs'] = {}): Network {
  const network = new Network({ machine, model: smallConv, data, batch: 8, judged: SAMPLES, programs })
  stirBatchNorm(network)
  return network
}

/**
 * Orders of the output channels of both convolutions: channel i of the permuted network was channel order[i].
 */
const orders: Record<string, readonly number[]> = { conv1: [2, 0, 1], conv2: [1, 0] }

/** Elements of [rows][columns][inner], rows and columns in another order. */
function reordered(
  values: ArrayLike<number>,
  [rows, columns]: readonly [readonly number[], readonly number[]],
  inner: number,
): number[] {
  return rows.flatMap((row) =>
    columns.flatMap((column) =>
      Array.from({ length: inner }, (_, i) => values[(row * columns.length + column) * inner + i]),
    ),
  )
}

/** Values of a tensor of the network, as they lie in the permuted one, which computes the same. */
function permuted(name: string, values: ArrayLike<number>): number[] {
  const { conv1, conv2 } = orders
  if (name === 'conv1.weight') return reordered(values, [conv1, [0]], 9)
  if (name === 'conv2.weight') return reordered(values, [conv2, conv1], 9)
  if (name === 'fc.weight') return reordered(values, [[0, 1, 2, 3], conv2], 9)
  if (name.startsWith('bn1')) return conv1.map((channel) => values[channel])
  if (name.startsWith('bn2')) return conv2.map((channel) => values[channel])
  return Array.from(values)
}

/** Two networks with these programs; the second is the first with its channels in another order. */
function pairOf(sources: readonly Pick<NetworkOptions, 'programs'>[] = [{}, {}]): Network[] {
  const [network, other] = sources.map(({ programs }) => networkOf(programs))
  for (const { name } of network.stored) other.values(name).set(permuted(name, network.values(name)))
  return [network, other]
}

function expectPermutedMasks([network, other]: readonly Network[]): void {
  for (const { name } of network.prunable)
    expect([name, ...other.mask(name)]).toEqual([name, ...permuted(name, network.mask(name))])
}

const masksOf = (network: Network) => network.prunable.map(({ name }) => [...network.mask(name)])

describe('permuted channels have permuted masks', () => {
  it('the permuted network computes the same', () => {
    const [network, other] = pairOf().map((one) => one.evaluate('test'))
    expect(other.correct).toBe(network.correct)
    expect(other.loss).toBeCloseTo(network.loss, 5)
  })

  it.each(exact)('%s', (method) => {
    for (const scope of ['global', 'layerwise'] as const) {
      const scorings = [scoringOf(method), scoringOf(method)]
      const networks = pairOf(scorings)
      networks.forEach((network, i) => void prune(network, { method: scorings[i], sparsity: 0.6, scope }))
      expectPermutedMasks(networks)
      expect(new Set(masksOf(networks[0]).flat()).size).toBe(2)
    }
  })

  it.each<[SecondOrderMethod, 'full' | 'layer']>([
    ['obd', 'full'],
    ['woodfisher', 'full'],
    ['woodfisher', 'layer'],
    ['woodtaylor', 'layer'],
    ['cbs-update', 'full'],
    ['chita', 'full'],
    ['falcon', 'full'],
  ])('%s, Fisher matrix %s, in stages', (method, fisher) => {
    const tensors = ['conv1.weight', 'conv2.weight', 'fc.weight']
    const sources = [0, 1].map(() => new GradientSource({ tensors, samples: SAMPLES }))
    const networks = pairOf(sources)
    const gradients = Uint32Array.from({ length: SAMPLES }, (_, i) => i)
    const judge = gradients.map((i) => i + SAMPLES)
    networks.forEach((network, i) => {
      pruneSecondOrder(network, sources[i], {
        method,
        fisher,
        gradients,
        judge,
        stages: 3,
        sparsity: 0.6,
        lambda: 1e-2,
      })
    })
    expectPermutedMasks(networks)
    for (const { name } of networks[0].prunable) {
      const [want, got] = [permuted(name, networks[0].values(name)), networks[1].values(name)]
      const largest = Math.max(...want.map(Math.abs))
      expect(worstError(got, want, Array(want.length).fill(largest))).toBeLessThan(1e-4)
    }
  })
})

describe('the scale of weights does not matter to magnitude', () => {
  it.each([0.37, 1000])('all weights by %f: global masks', (factor) => {
    const [network, scaled] = [networkOf(), networkOf()]
    for (const { name } of scaled.prunable)
      scaled.values(name).set(Float32Array.from(scaled.values(name), (w) => factor * w))
    for (const one of [network, scaled]) prune(one, { sparsity: 0.6 })
    expect(masksOf(scaled)).toEqual(masksOf(network))
  })

  it('each layer by another factor: masks by layer, but not global ones', () => {
    for (const scope of ['layerwise', 'global'] as const) {
      const [network, scaled] = [networkOf(), networkOf()]
      scaled.prunable.forEach(({ name }, layer) => {
        scaled.values(name).set(Float32Array.from(scaled.values(name), (w) => 10 ** layer * w))
      })
      for (const one of [network, scaled]) prune(one, { sparsity: 0.6, scope })
      if (scope === 'layerwise') expect(masksOf(scaled)).toEqual(masksOf(network))
      else expect(masksOf(scaled)).not.toEqual(masksOf(network))
    }
  })
})

describe('how samples are split does not matter', () => {
  // Squares are those of the gradients of mini-batches, which are others.
  const means = exact.filter((name) => usesLoss(name) && !saliencyOf(name).needs?.includes('squares'))

  it.each(means)('%s: mini-batches of 1, 5, 8 and all samples give the same scores', (method) => {
    const scores = [1, 5, 8, SAMPLES].map((miniBatch) => {
      const scoring = scoringOf(method, { miniBatch })
      const network = networkOf(scoring.programs)
      const layers = network.layers().map((layer) => ({ ...layer, weights: network.values(layer.name) }))
      scoring.score(network, layers, { seed: 5, event: 0, round: 0 })
      return layers.flatMap((layer) => Array.from(layer.scores))
    })
    const largest = Math.max(...scores[0].map(Math.abs))
    expect(largest).toBeGreaterThan(0)
    // Means of gradients that cancel have the roundings of their terms: relative to the scores as they come.
    for (const other of scores.slice(1))
      expect(
        worstError(
          other,
          scores[0],
          scores[0].map((score) => Math.abs(score) + largest / 100),
        ),
      ).toBeLessThan(1e-4)
  })

  it('gradients of single samples are the same however many are computed at once', () => {
    const columns = [1, 5, SAMPLES].map((atOnce) => {
      const source = new GradientSource({ tensors: ['conv1.weight', 'fc.weight'], samples: SAMPLES, atOnce })
      const network = networkOf(source.programs)
      const { tensors } = source.collect(
        network,
        Uint32Array.from({ length: SAMPLES }, (_, i) => i),
      )
      return tensors.flatMap((tensor) =>
        Array.from({ length: tensor.size }, (_, q) => {
          const column = new Float32Array(SAMPLES)
          tensor.column(q, column)
          return [...column]
        }),
      )
    })
    const flat = columns[0].flat()
    expect(flat.some((x) => x !== 0)).toBe(true)
    const scales = columns[0].flatMap((column) => column.map(() => Math.max(...column.map(Math.abs))))
    for (const other of columns.slice(1)) expect(worstError(other.flat(), flat, scales)).toBeLessThan(1e-5)
  })
})
