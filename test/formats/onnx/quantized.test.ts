/**
 * @file Layers of whole numbers: what is removed becomes their zero point, and scales make tensors
 * comparable.
 */
import { expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { countZeros } from '../../../src/formats/onnx/zeros.ts'
import { type ModelText, modelBytes, type Stored } from './models.ts'
import { outputs, pruned, unit, weightsIn } from './prune-weights.ts'

const bytes = (shape: number[], type: 'int8' | 'uint8', step = 37): Stored => {
  const first = type === 'int8' ? -60 : 70
  const count = shape.reduce((a, b) => a * b, 1)
  return { shape, type, values: Array.from({ length: count }, (_, i) => first + ((i * step) % 113)) }
}
const scalar = (value: number, type: Stored['type'] = 'float'): Stored => ({ shape: [], values: [value], type })
const zeroPoints = (values: number[], type: Stored['type']): Stored => ({ shape: [values.length], values, type })
const scales = (values: number[]): Stored => ({ shape: [values.length], values })

/** The numbers of a tensor after pruning. */
function storedAfter(made: Uint8Array, key: string, type: 'int8' | 'uint8'): number[] {
  const { data } = parseOnnx(made, 'm.onnx').stored.get(key)!()
  return [...(type === 'int8' ? new Int8Array(data) : new Uint8Array(data))]
}

const conv: ModelText = {
  stored: {
    one: scalar(1),
    a: scalar(0, 'uint8'),
    W: bytes([3, 1, 2, 2], 'uint8'),
    ws: scales([0.1, 1, 20]),
    wz: zeroPoints([120, 128, 90], 'uint8'),
    b: { shape: [3], values: [1, 2, 3], type: 'int32' },
  },
  inputs: { x: [1, 1, 2, 2] },
  steps: [
    { op: 'QuantizeLinear', in: ['x', 'one', 'a'], out: 'q' },
    { op: 'QLinearConv', in: ['q', 'one', 'a', 'W', 'ws', 'wz', 'one', 'a', 'b'], out: 'c' },
    { op: 'DequantizeLinear', in: ['c', 'one', 'a'], out: 'y' },
  ],
  outputs: ['y'],
}

it('QLinearConv: zero points and scales of each output channel; exactly half becomes zero points, the smallest once scaled', async () => {
  const model = modelBytes(conv)
  const { bytes: made, tensors } = pruned(model, 0.5)
  expect(tensors).toMatchObject([{ name: 'W', size: 12, kept: 6 }])
  const before = bytes([3, 1, 2, 2], 'uint8').values
  const [points, factors] = [
    [120, 128, 90],
    [0.1, 1, 20],
  ]
  const sizes = before.map((q, i) => Math.abs(q - points[i >> 2]) * factors[i >> 2])
  const least = sizes.toSorted((a, b) => a - b)[6]
  const expected = before.map((q, i) => (sizes[i] < least ? points[i >> 2] : q))
  expect(storedAfter(made, 'W', 'uint8')).toEqual(expected)
  // It runs, and an image of zeros gives the biases alone.
  expect(await outputs(made, ['y'], { x: { shape: [1, 1, 2, 2], values: [0, 0, 0, 0] } })).toEqual([0, 2, 60])
})

it('QLinearMatMul and MatMulIntegerToFloat: columns have scales of their own', async () => {
  const model = modelBytes({
    stored: {
      one: scalar(1),
      a: scalar(0, 'uint8'),
      W: bytes([4, 3], 'int8'),
      ws: scales([0.1, 1, 9]),
      wz: zeroPoints([0, 5, -4], 'int8'),
      U: bytes([4, 3], 'int8', 41),
    },
    steps: [
      { op: 'QuantizeLinear', in: ['x', 'one', 'a'], out: 'q' },
      {
        op: 'MatMulIntegerToFloat',
        domain: 'com.microsoft',
        out: 'y',
        in: ['q', 'W', 'one', 'ws', 'a', 'wz'],
      },
      { op: 'MatMulIntegerToFloat', domain: 'com.microsoft', in: ['q', 'U', 'one', 'one', 'a'], out: 'z' },
    ],
    outputs: ['y', 'z'],
  })
  const x = { x: unit(4) }
  const before = await outputs(model, ['y', 'z'], x)
  const { bytes: made } = pruned(model, 0.5)
  const after = await outputs(made, ['y', 'z'], x)
  const least = before.map(Math.abs).toSorted((a, b) => a - b)[12]
  expect(after.filter((value) => value === 0)).toHaveLength(12)
  expect(after.map((value) => value + 0)).toEqual(before.map((value) => (Math.abs(value) < least ? 0 : value)))
})

it('MatMulInteger and ConvInteger: the scale that a later node multiplies with counts', () => {
  const model = modelBytes({
    stored: {
      W: bytes([4, 3], 'int8'),
      ws: scalar(0.001),
      wz: scalar(2, 'int8'),
      U: bytes([4, 3], 'int8', 41),
      us: scalar(1000),
      uz: scalar(-1, 'int8'),
    },
    steps: [
      { op: 'DynamicQuantizeLinear', in: ['x'], out: ['q', 's', 'z'] },
      ...['W', 'U'].flatMap((name) => {
        const own = name.toLowerCase()
        return [
          { op: 'MatMulInteger', in: ['q', name, 'z', `${own}z`], out: `${own}i` },
          { op: 'Cast', in: [`${own}i`], out: `${own}c`, with: { to: 1 } },
          { op: 'Mul', in: ['s', `${own}s`], out: `${own}m` },
          { op: 'Mul', in: [`${own}c`, `${own}m`], out: `${own}y` },
        ]
      }),
    ],
    outputs: ['wy', 'uy'],
  })
  const { bytes: made, tensors } = pruned(model, 0.5)
  expect(tensors).toMatchObject([
    { name: 'W', kept: 0 },
    { name: 'U', kept: 12 },
  ])
  expect(storedAfter(made, 'W', 'int8')).toEqual(Array(12).fill(2))
})

it('weights that are quantized in the model: what rounds to zero is a zero already', async () => {
  const values = [0.2, -0.3, 0.4, 1, -2, 3, 4, -5, 6, 7, -8, 9]
  const model = modelBytes({
    stored: { W: { shape: [4, 3], values }, s: scalar(1), z: scalar(3, 'int8') },
    steps: [
      { op: 'QuantizeLinear', in: ['W', 's', 'z'], out: 'q' },
      { op: 'DequantizeLinear', in: ['q', 's', 'z'], out: 'V' },
      { op: 'MatMul', in: ['x', 'V'], out: 'y' },
    ],
    outputs: ['y'],
  })
  expect(pruned(model, 0.1).tensors).toMatchObject([{ size: 12, kept: 9, before: 9 }])
  const { bytes: made } = pruned(model, 0.5)
  expect(await outputs(made, ['y'], { x: unit(4) })).toEqual([0, 0, 0, 0, 0, 0, 4, -5, 6, 7, -8, 9])
  const other = modelBytes({
    stored: { W: { shape: [4, 3], values }, s: scalar(1), z: scalar(3, 'int8'), o: scalar(4, 'int8') },
    steps: [
      { op: 'QuantizeLinear', in: ['W', 's', 'z'], out: 'q' },
      { op: 'DequantizeLinear', in: ['q', 's', 'o'], out: 'V' },
      { op: 'MatMul', in: ['x', 'V'], out: 'y' },
    ],
    outputs: ['y'],
  })
  expect(weightsIn(other).untouched).toMatchObject([
    { key: 'W', reason: 'its zeros are no zeros after DequantizeLinear' },
  ])
})

it('zeros of a whole file are counted by zero points, of tensors that are no weights too', () => {
  const model = modelBytes({
    stored: {
      E: { shape: [2, 3], values: [7, 7, 1, 2, 3, 7], type: 'int8' },
      s: scalar(1),
      z: scalar(7, 'int8'),
      W: { shape: [3, 2], values: [0, 1, 0, 2, 3, 4] },
      b: { shape: [2], values: [0, 5] },
    },
    steps: [
      { op: 'Cast', in: ['x'], out: 'i', with: { to: 7 } },
      { op: 'DequantizeLinear', in: ['E', 's', 'z'], out: 'd' },
      { op: 'Gather', in: ['d', 'i'], out: 'e' },
      { op: 'MatMul', in: ['e', 'W'], out: 'm' },
      { op: 'Add', in: ['m', 'b'], out: 'y' },
    ],
    outputs: ['y'],
  })
  const { weights, all } = countZeros(parseOnnx(model, 'm.onnx'))
  expect(weights).toEqual([{ key: 'W', size: 6, zeros: 2 }])
  // E, s, W and b.
  expect(all).toEqual({ size: 6 + 1 + 6 + 2, zeros: 3 + 2 + 1 })
})
