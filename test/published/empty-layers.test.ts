/**
 * @file Which tensors the criteria of arXiv 2502.11450 empty at initialization, on smooth images of which no
 * two are alike: the counts that were measured with other such images hold within two tensors. With the
 * statistics that batch normalizations begin with, VGG-19's signal fades from layer to layer; with fresh ones
 * it does not. FBSS is left out where the counts are those of the authors' code, which keeps weights without
 * any gradient first.
 */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Floats } from '../../src/engine/machine.ts'
import { writeRound } from '../../src/methods/masks.ts'
import { type SaliencyName, saliencyOf } from '../../src/methods/saliency/index.ts'
import { LossGradients } from '../../src/methods/saliency/scoring/gradients.ts'
import { HessianGradient } from '../../src/methods/saliency/scoring/hessian.ts'
import type { Measurement } from '../../src/methods/saliency/scoring/measurement.ts'
import { findModel } from '../../src/models/index.ts'
import { truncatedCount } from '../../src/sparsity/count.ts'
import { chooseTensors } from '../../src/sparsity/tensors.ts'
import { Network } from '../../src/train/network.ts'
import { BatchNormRefresh } from '../../src/train/refresh-batch-norm.ts'
import { random } from '../../src/util/random.ts'
import { best } from '../support/engines.ts'

const IMAGES = 100
const sparsities = [0.8, 0.9, 0.95, 0.98, 0.99]

/** In ten classes that have nothing in common. */
function smoothImages(): Dataset {
  const data = synthetic({ image: [3, 32, 32], classes: IMAGES, train: IMAGES, test: 2, noise: 0 })
  return { ...data, classes: 10, train: { ...data.train, labels: data.train.labels.map((label) => label % 10) } }
}

type Counts = readonly [SaliencyName, readonly number[]]

/** Empty tensors at each sparsity; of how many weights FTS and SNIP must agree at least. */
const cases: { name: string; batchNorm: 'eval' | 'refreshed'; empty: readonly Counts[]; agreement: number[] }[] = [
  {
    name: 'resnet18',
    batchNorm: 'eval',
    empty: [
      ['grad-norm', [0, 0, 0, 0, 0]],
      ['snip', [0, 0, 0, 0, 1]],
      ['grasp', [0, 0, 0, 0, 0]],
      ['fisher-pruner', [0, 0, 0, 0, 1]],
    ],
    agreement: [0.999, 0.999, 0.999, 0.999, 0.999],
  },
  {
    name: 'vgg19',
    batchNorm: 'eval',
    empty: [
      ['grad-norm', [0, 7, 11, 13, 13]],
      ['snip', [0, 0, 9, 12, 13]],
      ['grasp', [0, 0, 7, 11, 12]],
      ['fisher-diagonal', [7, 10, 12, 13, 14]],
      ['fisher-pruner', [0, 9, 11, 13, 13]],
    ],
    agreement: [0.999, 0.999, 0.999, 0.999, 0.999],
  },
  {
    name: 'vgg19',
    batchNorm: 'refreshed',
    empty: [
      ['grad-norm', [0, 0, 0, 0, 2]],
      ['snip', [0, 0, 0, 0, 3]],
      ['fisher-diagonal', [0, 1, 5, 8, 10]],
      ['fisher-pruner', [0, 0, 5, 7, 9]],
    ],
    agreement: [0.97, 0.96, 0.95, 0.94, 0.92],
  },
]

describe.each(cases)('$name, batch normalizations $batchNorm', ({ name, batchNorm, empty, agreement }) => {
  const model = findModel(name)
  const prunable = chooseTensors(model, { prunable: 'reference' }).map((tensor) => tensor.name)
  const settings = { samples: IMAGES, miniBatch: 1, batchNorm, temperature: 1, prunable }
  const measurements: Measurement[] = [new LossGradients(settings, { squares: true })]
  if (empty.some(([method]) => method === 'grasp')) measurements.push(new HessianGradient(settings, false))
  const refresh = new BatchNormRefresh(IMAGES)
  const programs = Object.assign({}, refresh.programs, ...measurements.map((one) => one.programs))
  const network = new Network({ machine: best, model, data: smoothImages(), batch: 1, prunable, programs })
  if (batchNorm === 'refreshed') refresh.run(network, network.indices.train)
  const draw = (what: string) => random(0, what)
  const measured = Object.assign(
    {},
    ...measurements.map((m) => m.measure(network, network.indices.train, draw, () => {})),
  )
  const layers = network.layers()
  const weights = layers.map((layer) => network.values(layer.name).slice())

  function scoresOf(method: SaliencyName): Float32Array[] {
    const scored = layers.map(({ name, scores }, i) => {
      const own = Object.entries(measured).map(([what, values]) => [what, (values as Map<string, unknown>).get(name)])
      return { name, scores, weights: weights[i], ...Object.fromEntries(own) }
    })
    const { sign = 1, score } = saliencyOf(method)
    score(scored, { draw, miniBatch: 1, sign })
    return layers.map((layer) => Float32Array.from(layer.scores))
  }

  /** Writes the masks of every layer, where they lie until the next call. */
  function writeMasksOf(scores: readonly Float32Array[], sparsity: number): readonly Floats[] {
    layers.forEach((layer, i) => {
      layer.scores.set(scores[i])
      layer.mask.fill(1)
    })
    writeRound(network, { sparsity, count: truncatedCount })
    return layers.map(({ mask }) => mask)
  }

  it.each(empty)('%s', { timeout: 120_000 }, (method, expected) => {
    const scores = scoresOf(method)
    const found = sparsities.map(
      (sparsity) => writeMasksOf(scores, sparsity).filter((mask) => !mask.includes(1)).length,
    )
    found.forEach((count, i) => {
      expect(Math.abs(count - expected[i]), `${found} for ${expected}`).toBeLessThanOrEqual(2)
    })
  })

  it('FTS and SNIP keep nearly the same weights', { timeout: 120_000 }, () => {
    const [snip, fts] = (['snip', 'fts'] as const).map(scoresOf)
    agreement.forEach((least, i) => {
      const other = writeMasksOf(snip, sparsities[i]).map((mask) => mask.slice())
      let [both, kept] = [0, 0]
      writeMasksOf(fts, sparsities[i]).forEach((mask, layer) => {
        const own = other[layer]
        for (let q = 0; q < mask.length; q++) {
          kept += own[q]
          both += own[q] * mask[q]
        }
      })
      expect(both / kept).toBeGreaterThan(least)
      expect(both).toBeLessThan(kept) // They are two criteria all the same.
    })
  })
})
