/** @file Operators as TensorFlow Lite has them: LiteRT computes what ONNX Runtime does. */
import { beforeAll, describe, expect, it } from 'vitest'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { random } from '../../../src/util/random.ts'
import { type LiteRtJob, type LiteRtResult, onLiteRt } from '../../support/litert.ts'
import { runModel } from '../../support/onnx.ts'
import { farthest } from '../onnx/images.ts'
import { type ModelText, modelBytes } from '../onnx/models.ts'
import { cases } from './cases.ts'
import { channelsLast, type Written, written } from './written.ts'

/** The inputs of a model for one sample, and whether maps of it have their channels last in the file. */
function inputsOf({ inputs = {} }: ModelText) {
  const feeds = Object.entries(inputs).map(([name, input]) => {
    const shape = ('shape' in input ? input.shape : input).map((n) => (typeof n === 'string' ? 1 : n))
    const draw = random(5, name)
    return [name, { shape, values: Float32Array.from({ length: sizeOf(shape) }, () => 2 * draw.normal()) }] as const
  })
  const [[, { shape }]] = feeds
  // As the channels of images are told: 1, 3 or 4 of them on the last axis alone.
  return { feeds: new Map(feeds), last: feeds.length === 1 && shape.length === 4 && !(shape[3] === 3 && shape[1] > 4) }
}

/** An array with its channels last, where it is a map of those that have them so. */
function laid({ shape, values }: { shape: readonly number[]; values: ArrayLike<number> }, last: boolean) {
  if (!last || shape.length !== 4) return { shape, values }
  const [n, c, h, w] = shape
  return { shape: [n, h, w, c], values: channelsLast(values, shape) }
}

const names = Object.keys(cases)
const files = new Map<string, Written>()
const results = new Map<string, LiteRtResult>()

beforeAll(async () => {
  const jobs = names.map((name): LiteRtJob => {
    const text = cases[name]
    const file = written(modelBytes(text))
    files.set(name, file)
    const { feeds, last } = inputsOf(text)
    return { bytes: file.bytes, inputs: [...feeds.values()].map((input) => laid(input, last)) }
  })
  const found = await onLiteRt(jobs)
  for (const [i, name] of names.entries()) results.set(name, found[i])
}, 60_000)

describe('LiteRT computes what ONNX Runtime does', () => {
  it.each(names)('%s', async (name) => {
    const text = cases[name]
    const { feeds, last } = inputsOf(text)
    const expected = [...(await runModel(modelBytes(text), feeds)).values()]
    const { outputs, error } = results.get(name)!
    expect(error).toBeUndefined()
    for (const [i, { shape, values }] of outputs.entries()) {
      const [n, h, w, c] = shape
      const logical = last && shape.length === 4 ? [n, c, h, w] : shape
      expect(sizeOf(logical)).toBe(expected[i].length)
      expect(farthest(values, laid({ shape: logical, values: expected[i] }, last).values)).toBeLessThan(1e-4)
    }
  })
})

describe('no more operators than TensorFlow Lite has for it', () => {
  it.each([
    ['conv 5x5 of 8x9, stride 1, padding 2', 'CONV_2D'],
    ['conv 3x3 of 11x7, stride 2, padding 1', 'CONV_2D'],
    ['conv 3x3 of 8x9, stride 2, padding 1', 'PAD CONV_2D'],
    ['conv, SAME with an odd place at the end', 'CONV_2D'],
    ['depthwise conv', 'DEPTHWISE_CONV_2D'],
    ['AveragePool 3,3, strides 1,1, pads 1,1,1,1', 'AVERAGE_POOL_2D'],
    ['HardSwish', 'HARD_SWISH'],
    ['leaky ReLU of another slope', 'LEAKY_RELU'],
    ['GELU by its parts', 'GELU'],
    ['ReLU6', 'RELU6'],
    ['flattened maps before a linear layer', 'RESHAPE FULLY_CONNECTED'],
    ['channel shuffle', 'RESHAPE TRANSPOSE RESHAPE CONV_2D'],
    ['softmax over channels', 'SOFTMAX'],
    ['nearest neighbours, twice as large', 'RESIZE_NEAREST_NEIGHBOR'],
    ['bilinear, twice as large', 'RESIZE_BILINEAR'],
    ['bilinear, to another size', 'RESIZE_BILINEAR'],
  ])('%s: %s', (name, operators) => {
    expect(files.get(name)!.operators.join(' ')).toBe(operators)
  })
})
