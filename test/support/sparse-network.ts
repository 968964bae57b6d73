/** @file Networks with random weights, most of them zeros, whose outputs depend on what they are given. */
import { synthetic } from '../../src/data/synthetic.ts'
import type { TensorFile } from '../../src/formats/safetensors.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { BatchNormRefresh, hasBatchNorm } from '../../src/train/refresh-batch-norm.ts'
import { random } from '../../src/util/random.ts'
import { best } from './engines.ts'

const SAMPLES = 8

/** The weights, and `count` samples from N(0, 1). */
export function sparseNetwork(name: string, count: number): { weights: TensorFile; samples: Float32Array } {
  const model = findModel(name)
  const data = synthetic({ image: model.image, classes: model.classes, train: SAMPLES, test: 2 })
  const refresh = hasBatchNorm(model) ? new BatchNormRefresh(SAMPLES) : undefined
  const network = new Network({ machine: best, model, data, batch: 2, masks: true, programs: refresh?.programs })
  prune(network, { method: 'magnitude', sparsity: 0.8, scope: 'layerwise' })
  refresh?.run(
    network,
    Uint32Array.from({ length: SAMPLES }, (_, i) => i),
  )
  const draw = random(0, 'samples')
  const samples = Float32Array.from({ length: count * sizeOf(model.image) }, () => draw.normal())
  return { weights: weightsOf(network), samples }
}
