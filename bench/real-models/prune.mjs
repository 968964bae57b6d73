/** @file A model pruned layer by layer with random inputs, without labels, and written. */

import { writeNetwork } from '../../dist/formats/network-file.js'
import { parseOnnx } from '../../dist/formats/onnx/file.js'
import { readOnnx } from '../../dist/formats/onnx/onnx.js'
import { methods } from '../../dist/methods/index.js'
import { pruneBy } from '../../dist/methods/prune-by.js'
import { weightsOf } from '../../dist/train/checkpoint.js'
import { UserError } from '../../dist/util/errors.js'
import { readingOf, sampleOf } from './inputs.mjs'

/** Floats that calibration samples take at most, and how many there are at least and at most. */
const [FLOATS, LEAST, MOST] = [2 ** 21, 2, 64]

/**
 * How many samples calibrate. Methods that look at gradients take those of half of them, and judge what they
 * do by the others: by the distance from the dense network, as there are no labels.
 */
export async function prune({ bytes, path, settings, machine, method, sparsity, out }) {
  const stored = readOnnx(bytes, path, readingOf(settings, 1))
  const { network } = stored.onnx
  if (network instanceof UserError) throw network
  const { model, tensors } = network
  const data = randomData(parseOnnx(bytes, path), settings, model)
  const { count } = data.train
  const samples = methods[method].section === 'layerwise' ? count : Math.floor(count / 2)
  const settled = { samples, polish: 0, refreshBatchNorm: 'none' }
  const weights = { tensors, metadata: {} }
  const pruned = await pruneBy(method, { machine, model, data, weights, source: path, sparsity, settings: settled })
  await writeNetwork(out, { weights: weightsOf(pruned.network), model, onnx: stored.onnx })
  return { samples: count }
}

/** Inputs as rows, the first samples that there are. */
function randomData(file, settings, model) {
  const size = model.image.reduce((product, n) => product * n, 1)
  const count = Math.max(LEAST, Math.min(MOST, Math.floor(FLOATS / size)))
  const images = new Float32Array(count * size)
  for (let i = 0; i < count; i++) {
    let at = i * size
    const sample = sampleOf(file, settings, i)
    const names = model.inputs?.map(({ name }) => name) ?? [...sample.keys()]
    for (const name of names) {
      const { values } = sample.get(name)
      images.set(values, at)
      at += values.length
    }
  }
  const mean = Array(model.image[0]).fill(0)
  const std = Array(model.image[0]).fill(1)
  const part = { count, images }
  return { name: 'random inputs', image: model.image, mean, std, floats: true, train: part, test: part }
}
