/** @file 1x1 convolutions with many zeros in TensorFlow Lite files: as nonzeros with their places. */
import { expect, it } from 'vitest'
import { exportGraph, floats, onnxBytes } from '../../../src/formats/onnx/export.ts'
import { Graph } from '../../../src/graph/graph.ts'
import { convLayer } from '../../../src/graph/operators/conv.ts'
import { relu } from '../../../src/graph/operators/elementwise.ts'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { classify } from '../../../src/models/layers.ts'
import { random } from '../../../src/util/random.ts'
import { onLiteRt } from '../../support/litert.ts'
import { runModel } from '../../support/onnx.ts'
import { farthest } from '../onnx/images.ts'
import { channelsLast, written } from './written.ts'

const PAIRS = 4
const CHANNELS = 128

/**
 * A 3x3 stem of stride 2 and pairs of depthwise and 1x1 convolutions, one of them of stride 2; of an odd
 * size, where what SAME would do is what is asked for. This share of the weights of the 1x1 convolutions is
 * zero, of the first one `first`.
 */
function pairs(zeros: number, { side = 65, first = zeros } = {}) {
  const graph = new Graph()
  const shape = [1, 3, side, side]
  const bordered = { pad: 1, bias: true }
  let x = graph.input('images', shape)
  x = relu(graph, convLayer(graph, x, 'stem', CHANNELS, 3, { ...bordered, stride: 2 }))
  for (let i = 0; i < PAIRS; i++) {
    const stride = i === 2 ? 2 : 1
    x = relu(graph, convLayer(graph, x, `spatial.${i}`, CHANNELS, 3, { ...bordered, stride, group: CHANNELS }))
    x = relu(graph, convLayer(graph, x, `mixing.${i}`, CHANNELS, 1, { bias: true }))
  }
  graph.output('logits', classify(graph, x, 'classifier', 10))
  const initializers = graph.withRole('parameter').map(({ name, shape: sizes }) => {
    const [draw, count] = [random(0, name), sizeOf(sizes)]
    const scale = Math.sqrt((2 * sizes[0]) / count)
    const share = /mixing.*weight/.test(name) ? (name.includes('.0.') ? first : zeros) : 0
    const isZero = () => draw.uniform() < share
    return floats(
      name,
      sizes,
      Float32Array.from({ length: count }, () => (isZero() ? 0 : scale * draw.normal())),
    )
  })
  const draw = random(0, 'images')
  const images = Float32Array.from({ length: sizeOf(shape) }, () => draw.normal())
  const proto = exportGraph(graph, { inputs: graph.withRole('input'), initializers })
  return { proto, images, shape, input: { shape: [1, side, side, 3], values: channelsLast(images, shape) } }
}

const countOf = (list: readonly string[], name: string) => list.filter((one) => one === name).length

// Compilers that work beside it take the processor, too: what is too slow once is tried again.
it('the same logits, in less bytes, and zeros are not multiplied with', { retry: 2, timeout: 60_000 }, async () => {
  const given = [0, 0.5, 0.9, 0.9].map((zeros) => pairs(zeros))
  const files = given.map(({ proto }, i) => written(proto, { float16: i === 3 }))
  const results = await onLiteRt(files.map(({ bytes }, i) => ({ bytes, inputs: [given[i].input], repeat: 45 })))
  for (const [i, { proto, images, shape }] of given.entries()) {
    const expected = await runModel(onnxBytes(proto), new Map([['images', { shape, values: images }]]))
    expect(results[i].error).toBeUndefined()
    expect(farthest(results[i].outputs[0].values, expected.get('logits')!)).toBeLessThan(i === 3 ? 1e-2 : 1e-4)
    expect([files[i].skipsZeros, files[i].notes]).toEqual([i > 1, []])
    // Half of the weights are too few; where they are enough, padding is apart from what has a stride.
    expect(countOf(files[i].operators, 'DENSIFY')).toBe(i < 2 ? 0 : PAIRS)
    expect(countOf(files[i].operators, 'PAD')).toBe(i < 2 ? 0 : 2)
  }
  // Of 4 bytes for each weight, 6 for each of a tenth of them are left.
  const saved = files[0].bytes.length - files[2].bytes.length
  expect(saved).toBeGreaterThan(0.8 * 4 * PAIRS * CHANNELS * CHANNELS)
  // Between three and four times as fast on an idle machine.
  const [dense, half, encoded] = results.map(({ milliseconds }) => Math.min(...milliseconds))
  expect(dense / encoded).toBeGreaterThan(1.5)
  expect(dense / half).toBeLessThan(1.5)
})

it('weights that are all zero are stored as they are: a tensor without values would be no constant', async () => {
  const given = pairs(1)
  const file = written(given.proto)
  expect(countOf(file.operators, 'DENSIFY')).toBe(0)
  const [{ outputs }] = await onLiteRt([{ bytes: file.bytes, inputs: [given.input] }])
  const { proto, images, shape } = given
  const expected = await runModel(onnxBytes(proto), new Map([['images', { shape, values: images }]]))
  expect(farthest(outputs[0].values, expected.get('logits')!)).toBeLessThan(1e-4)
})

it('one layer with few zeros is enough that none are skipped, and a note says so', {
  retry: 2,
  timeout: 60_000,
}, async () => {
  const given = [pairs(0), pairs(0.8, { first: 0 })]
  const files = given.map(({ proto }) => written(proto))
  expect(files[1].skipsZeros).toBe(false)
  expect(files[1].notes).toEqual([
    expect.stringMatching(
      /^XNNPACK does not skip zeros here: (59|60)\.\d\d % of the weights of all 1x1 convolutions are zero, expected two thirds$/,
    ),
  ])
  const results = await onLiteRt(files.map(({ bytes }, i) => ({ bytes, inputs: [given[i].input], repeat: 45 })))
  const [dense, some] = results.map(({ milliseconds }) => Math.min(...milliseconds))
  expect(dense / some).toBeLessThan(1.5)
})
