/** @file A small model with all that becomes whole numbers, and samples for it. */

import type { SampleSet } from '../../src/data/dataset.ts'
import { type OnnxFile, openModel, parseOnnx } from '../../src/formats/onnx/file.ts'
import { foldBatchNorms } from '../../src/formats/onnx/fold-batch-norm.ts'
import { weightsOfModel } from '../../src/formats/onnx/onnx.ts'
import { runtimeNetwork } from '../../src/formats/onnxruntime/sample-feeds.ts'
import type { Quantizable } from '../../src/quantize/quantize.ts'
import { loadWeights } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { fedSamples } from '../../src/train/runtime-model.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'
import { type ModelText, modelBytes, type Stored } from '../formats/onnx/models.ts'
import { best } from '../support/engines.ts'

const draws = random(11, 'model')
/** Some weights are zero, and outputs have very different sizes. */
const weight = (...shape: number[]): Stored => {
  const count = shape.reduce((a, b) => a * b, 1)
  const inner = count / shape[0]
  const values = Array.from({ length: count }, (_, i) =>
    i % 4 === 1 ? 0 : (draws.normal() / Math.sqrt(inner)) * (0.3 + (Math.floor(i / inner) % 3)),
  )
  return { shape, values }
}
const bias = (n: number): Stored => ({ shape: [n], values: Array.from({ length: n }, () => 0.2 * draws.normal()) })

/** Odd sizes, strides, groups, a residual sum, three ways to store a matrix, and a normalization. */
export const text: ModelText = {
  inputs: { x: ['N', 3, 9, 7] },
  stored: {
    stem: weight(8, 3, 3, 3),
    scale: { shape: [8], values: [1, 2, 0.5, 1, 1, -1, 1, 3] },
    shift: bias(8),
    mean: bias(8),
    variance: { shape: [8], values: [1, 2, 0.5, 1, 0.1, 1, 1, 3] },
    depthwise: weight(8, 1, 3, 3),
    depthwiseBias: bias(8),
    zero: { shape: [], values: [0] },
    six: { shape: [], values: [6] },
    pointwise: weight(8, 8, 1, 1),
    pointwiseBias: bias(8),
    grouped: weight(12, 4, 3, 2),
    groupedBias: bias(12),
    wide: weight(10, 12),
    wideBias: bias(10),
    tall: weight(10, 9),
    tallBias: bias(9),
    last: weight(9, 5),
    lastBias: bias(5),
  },
  steps: [
    { op: 'Conv', in: ['x', 'stem'], out: 'c1', with: { strides: [2, 1], pads: [1, 1, 1, 1] }, name: 'stem' },
    { op: 'BatchNormalization', in: ['c1', 'scale', 'shift', 'mean', 'variance'], out: 'n1' },
    { op: 'Relu', in: ['n1'], out: 'r1' },
    { op: 'Conv', in: ['r1', 'depthwise', 'depthwiseBias'], out: 'c2', with: { group: 8, pads: [1, 1, 1, 1] } },
    { op: 'Clip', in: ['c2', 'zero', 'six'], out: 'r2' },
    { op: 'Conv', in: ['r2', 'pointwise', 'pointwiseBias'], out: 'c3' },
    { op: 'Add', in: ['c3', 'r1'], out: 'a' },
    { op: 'Relu', in: ['a'], out: 'r3' },
    { op: 'MaxPool', in: ['r3'], out: 'p', with: { kernel_shape: [2, 2], strides: [1, 1] } },
    { op: 'Conv', in: ['p', 'grouped', 'groupedBias'], out: 'c4', with: { group: 2, dilations: [1, 2] } },
    { op: 'GlobalAveragePool', in: ['c4'], out: 'g' },
    { op: 'Flatten', in: ['g'], out: 'f' },
    { op: 'Gemm', in: ['f', 'wide', 'wideBias'], out: 'h1', with: { transB: 1 } },
    { op: 'Relu', in: ['h1'], out: 'r4' },
    { op: 'Gemm', in: ['r4', 'tall', 'tallBias'], out: 'h2' },
    { op: 'Relu', in: ['h2'], out: 'r5' },
    { op: 'MatMul', in: ['r5', 'last'], out: 'm' },
    { op: 'Add', in: ['m', 'lastBias'], out: 'y' },
  ],
  outputs: ['y'],
  opset: 17,
}

/** Normally distributed samples, of which some test. */
export function samplesOf(image: readonly [number, number, number], count = 60, seed = 1): SampleSet {
  const values = random(seed, 'samples')
  const images = (n: number) => Float32Array.from({ length: n * image[0] * image[1] * image[2] }, () => values.normal())
  return {
    name: 'noise',
    image,
    mean: image.slice(0, 1).map(() => 0),
    std: image.slice(0, 1).map(() => 1),
    floats: true,
    train: { count, images: images(count) },
    test: { count: 20, images: images(20) },
  }
}

/** A model that is ready to be quantized, and its training samples as runs. */
export function quantizable(model: ModelText, samples = 60) {
  const stored = parseOnnx(modelBytes(model), 'm.onnx')
  const file: OnnxFile = openModel(foldBatchNorms(stored).model, 'm.onnx')
  const weights = weightsOfModel(file, {})
  const read = weights.onnx.network
  if (read instanceof UserError) throw read
  const data = samplesOf(read.model.image as [number, number, number], samples)
  const network = new Network({ machine: best, model: read.model, data })
  loadWeights(network, weights, 'm.onnx')
  const { batch, feeds } = runtimeNetwork(file, {})
  const runs = Array.from({ length: samples / batch }, (_, i) =>
    feeds(
      fedSamples(
        data,
        'train',
        Array.from({ length: batch }, (_, k) => i * batch + k),
      ),
    ),
  )
  const given: Quantizable = { file, reading: {}, read, network }
  return { given, data, runs }
}
