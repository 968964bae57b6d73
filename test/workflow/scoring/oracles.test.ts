/** @file What is known of pruning at initialization without any training, on ResNet-18. */
import { expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { findModel } from '../../../src/models/index.ts'
import { Network } from '../../../src/train/network.ts'
import { prune } from '../../../src/workflow/prune.ts'
import { Scoring } from '../../../src/workflow/scoring/scoring.ts'
import { best } from '../../support/engines.ts'

const samples = 4
const scorings = (['snip', 'fts'] as const).map((method) => new Scoring({ method, samples }))
const programs = Object.assign({}, ...scorings.map((scoring) => scoring.programs))
const data = synthetic({ image: [3, 32, 32], train: samples, test: 4 })
const network = new Network({ machine: best, model: findModel('resnet18'), data, batch: 4, programs })
const initial = network.prunable.map(({ name }) => network.values(name).slice())

function reset(): void {
  network.prunable.forEach(({ name }, i) => {
    network.values(name).set(initial[i])
    network.mask(name).fill(1)
  })
}

it('FTS and SNIP keep the same weights', { timeout: 120_000 }, () => {
  const [snip, fts] = scorings.map((method) => {
    reset()
    prune(network, { method, sparsity: 0.9 })
    return network.prunable.map(({ name }) => network.mask(name).slice())
  })
  let [both, kept] = [0, 0]
  snip.forEach((mask, layer) => {
    for (let i = 0; i < mask.length; i++) {
      kept += mask[i]
      both += mask[i] * fts[layer][i]
    }
  })
  expect(both / kept).toBeGreaterThan(0.999)
  expect(both).toBeLessThan(kept) // They are two criteria all the same.
})

/**
 * Weights U(-1/sqrt(f), 1/sqrt(f)) above one threshold t: a layer of fan-in f keeps the share max(0, 1 - t sqrt(f)). Shares by fan-in for t = 0.017005, which
 * solves for a tenth of all weights.
 */
it('magnitude at 90 %: the densities of a uniform initialization, three layers empty', () => {
  const densities: Record<number, number> = { 27: 0.912, 64: 0.864, 128: 0.808, 256: 0.728, 512: 0.615 }
  Object.assign(densities, { 576: 0.592, 1152: 0.423, 2304: 0.184, 4608: 0 })
  reset()
  const { layers, collapsed } = prune(network, { sparsity: 0.9 })
  expect(collapsed).toHaveLength(3)
  for (const { name, size, kept } of layers) {
    const fan = size / network.prunable.find((tensor) => tensor.name === name)!.shape[0]
    // Three digits, and what chance does to the share of so many weights.
    expect(Math.abs(kept / size - densities[fan])).toBeLessThan(0.001 + 3 * Math.sqrt(0.25 / size))
  }
})
