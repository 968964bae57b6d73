import { expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { ShapeError } from '../../src/graph/operator.ts'
import {
  Dequantize,
  Int8Add,
  Int8AveragePool,
  Int8Conv,
  Int8MaxPool,
  Quantize,
} from '../../src/graph/operators/int8.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'

const graph = new Graph()
const one = graph.constant(1)
const bytesOf = (shape: Shape): Tensor => graph.apply(Quantize, [new Graph().input('x', shape), one], { zero: 0 })[0]
const rows = new Graph().input('rows', [4, 5], { batched: false })

it('channels are filled up to fours', () => {
  const x = bytesOf([2, 5, 7, 6])
  expect(x).toMatchObject({ shape: [2, 8, 7, 6], bytes: true, batched: true })
  const weight = { weight: [3, 5, 3, 3], strides: [2, 1] }
  expect(Int8Conv.infer([x], weight)).toEqual([{ shape: [2, 4, 3, 4], bytes: true, batched: true }])
  expect(Int8Conv.infer([x], { ...weight, toFloat: 1 })).toEqual([{ shape: [2, 3, 3, 4], batched: true }])
  expect(Int8Conv.infer([bytesOf([2, 5])], { weight: [9, 5], toFloat: 1 })).toEqual([{ shape: [2, 9], batched: true }])
  const depthwise = { weight: [5, 1, 3, 3], group: 5, pads: [1, 1, 1, 1] }
  expect(Int8Conv.infer([x], depthwise)[0].shape).toEqual([2, 8, 7, 6])
  const window = { kernel_shape: [2, 3], strides: [2, 3], pads: [0, 0, 0, 0] }
  for (const pool of [Int8AveragePool, Int8MaxPool]) expect(pool.infer([x], window)[0].shape).toEqual([2, 8, 3, 2])
})

it.each<[string, () => unknown, string]>([
  ['floats', () => Dequantize.infer([rows, one], {}), 'Dequantize: expected batched bytes, found rows [4, 5]'],
  ['no samples', () => Quantize.infer([rows, one], {}), 'Quantize: expected samples with channels, found rows [4, 5]'],
  [
    'a weight of more channels',
    () => Int8Conv.infer([bytesOf([2, 5, 7, 6])], { weight: [3, 9, 1, 1] }),
    'does not fit a weight [3,9,1,1]',
  ],
  [
    'maps of two sizes',
    () => Int8Add.infer([bytesOf([2, 5, 7, 6]), bytesOf([2, 5, 7, 5]), one], {}),
    'Int8Add: expected equal shapes of bytes, found',
  ],
])('%s are refused', (_name, infer, message) => {
  expect(infer).toThrow(ShapeError)
  expect(infer).toThrow(message)
})
