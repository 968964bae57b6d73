/** @file Published results of one-shot pruning on the published MLPNet, to the last image. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { loadDataset } from '../../src/data/index.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { pruneSecondOrder, type SecondOrderOptions } from '../../src/methods/second-order/driver.ts'
import { GradientSource } from '../../src/methods/second-order/fisher/gradients.ts'
import { findModel } from '../../src/models/index.ts'
import { loadWeights } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { numpyPermutation } from '../../src/util/numpy-random.ts'
import { best } from '../support/engines.ts'
import { wanted } from '../support/needed.ts'

const path = fileURLToPath(new URL('../../../shared/data/checkpoints/mlpnet-mnist.safetensors', import.meta.url))
const here = wanted('mlpnet-mnist.safetensors', existsSync(path), 'it is published')
const tensors = ['fc1.weight', 'fc2.weight', 'fc3.weight']

describe.skipIf(!here)(
  `MLPNet on MNIST${here ? '' : ` (the checkpoint is not here: ${path})`}`,
  { timeout: 120_000 },
  () => {
    let data: Dataset
    beforeAll(async () => {
      data = await loadDataset('mnist')
    })

    /** Test accuracy in percent and weights kept. */
    function prune(
      samples: number,
      seed: number,
      options: Pick<SecondOrderOptions, 'method' | 'sparsity'> & Partial<SecondOrderOptions>,
    ) {
      const source = new GradientSource({ tensors, samples })
      const { programs } = source
      const network = new Network({
        machine: best,
        model: findModel('mlpnet'),
        data,
        batch: 500,
        judged: 2000,
        programs,
      })
      loadWeights(network, readSafetensors(path), path)
      const order = numpyPermutation(seed, 60_000)
      const gradients = order.subarray(0, source.count * (options.stages ?? 1))
      const judge = order.subarray(58_000)
      const { kept } = pruneSecondOrder(network, source, { faithful: true, gradients, judge, ...options })
      network.assertMasked()
      expect(network.counts().reduce((sum, layer) => sum + layer.kept, 0)).toBeLessThanOrEqual(kept)
      return { kept, accuracy: network.evaluate('test').correct / 100 }
    }

    it.each([
      [0.5, 16_179, 93.93],
      [0.6, 12_943, 93.78],
      [0.7, 9_708, 93.62],
      [0.8, 6_471, 92.89],
      [0.9, 3_235, 90.3],
      [0.95, 1_618, 83.64],
      [0.98, 647, 32.25],
    ])('magnitude at %f keeps %i: %f percent', (sparsity, kept, accuracy) => {
      expect(prune(100, 0, { method: 'magnitude', sparsity })).toEqual({ kept, accuracy })
    })

    it('WoodFisher with a block per layer, 100 samples', () => {
      const options = { method: 'woodfisher', sparsity: 0.95, fisher: 'layer', lambda: 1e-5 } as const
      expect(prune(100, 1, options)).toMatchObject({ accuracy: 84.18 })
      expect(prune(100, 1, { ...options, scale: 0 })).toMatchObject({ accuracy: 83.57 })
    })

    // Of an implementation in NumPy that was written from the published code.
    it('magnitude and WoodFisher of 10,000 samples in one block, and the update', { timeout: 600_000 }, () => {
      const options = { sparsity: 0.95, lambda: 1e-3 } as const
      expect(prune(10_000, 0, { method: 'cbs-update', ...options })).toEqual({ kept: 1618, accuracy: 87.21 })
      const start = 'woodfisher'
      expect(prune(10_000, 0, { method: start, update: 'none', ...options })).toEqual({ kept: 1618, accuracy: 82.92 })
      expect(prune(10_000, 0, { method: 'cbs-update', start, ...options })).toEqual({ kept: 1618, accuracy: 87.05 })
    })

    it('diagonal Fisher of 4096 samples, per layer and over all', () => {
      const options = { method: 'obd', sparsity: 0.95 } as const
      expect(prune(4096, 1, { ...options, scope: 'layerwise' })).toMatchObject({ accuracy: 19.88 })
      expect(prune(4096, 1, options)).toMatchObject({ accuracy: 78.47 })
    })

    // Ours, hence with a margin; magnitude with one update and the usual damping gives 34.8.
    it('CHITA in 16 stages of 1000 samples, at 98 %', () => {
      const { kept, accuracy } = prune(1000, 0, {
        method: 'chita',
        sparsity: 0.98,
        faithful: false,
        stages: 16,
      })
      expect(kept).toBe(647)
      expect(accuracy).toBeGreaterThan(83)
      const update = prune(1000, 0, { method: 'cbs-update', sparsity: 0.98, faithful: false, stages: 1 })
      expect(update.accuracy).toBeLessThan(accuracy - 20)
    })
  },
)
