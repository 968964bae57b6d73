/** @file Models of older operators raised to version 13: ONNX Runtime computes the same of both. */
import { expect, it } from 'vitest'
import { onnxBytes } from '../../../src/formats/onnx/export.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { raiseOpset } from '../../../src/formats/onnx/raise-opset.ts'
import { type ModelText, modelBytes } from './models.ts'
import { byOnnxRuntime } from './outputs.ts'

const image = [2, 3, 5, 4]
const x = { x: image }
const one = (op: string, attributes: NonNullable<ModelText['steps'][number]['with']> = {}, more: string[] = []) => ({
  op,
  in: ['x', ...more],
  out: 'y',
  with: attributes,
})

const cases: [opset: number, text: Omit<ModelText, 'opset' | 'outputs'>][] = [
  [12, { inputs: x, steps: [one('Softmax')] }],
  [12, { inputs: x, steps: [one('Softmax', { axis: 2 })] }],
  [11, { inputs: x, steps: [one('LogSoftmax', { axis: -1 })] }],
  [9, { inputs: { x: [3, 7] }, steps: [one('Softmax')] }],
  [12, { inputs: { x: [3, 7, 1, 1] }, steps: [one('Softmax')] }],
  [12, { inputs: { x: [2, 1, 3, 1] }, steps: [one('Squeeze', { axes: [1, 3] })] }],
  [12, { inputs: { x: [2, 1, 3, 1] }, steps: [one('Squeeze')] }],
  [9, { inputs: { x: [2, 3] }, steps: [one('Unsqueeze', { axes: [0, 3] })] }],
  [12, { inputs: x, steps: [one('ReduceSum', { axes: [1, 3], keepdims: 0 })] }],
  [11, { inputs: x, steps: [one('ReduceSum')] }],
  [
    12,
    {
      inputs: x,
      steps: [
        { op: 'Split', in: ['x'], out: ['a', 'b'], with: { axis: 2, split: [2, 3] } },
        { op: 'Concat', in: ['b', 'a'], out: 'y', with: { axis: 2 } },
      ],
    },
  ],
  [10, { inputs: x, steps: [one('Dropout', { ratio: { float: 0.3 } })] }],
  [10, { inputs: x, steps: [one('Clip', { min: { float: -0.5 }, max: { float: 0.7 } })] }],
  [9, { inputs: x, steps: [one('Clip', { max: { float: 0.1 } })] }],
  [9, { inputs: x, steps: [one('Clip', { min: { float: 0.1 } })] }],
  [10, { inputs: x, steps: [one('Pad', { pads: [0, 0, 1, 2, 0, 0, 2, 1], value: { float: 3 } })] }],
  [9, { inputs: x, steps: [one('Pad', { pads: [0, 0, 1, 1, 0, 0, 1, 1], mode: 'reflect' })] }],
  [9, { inputs: x, steps: [one('Slice', { starts: [1, 0], ends: [3, 2], axes: [2, 3] })] }],
  [7, { inputs: x, steps: [one('Slice', { starts: [0, 1], ends: [2, 3] })] }],
  [
    9,
    {
      inputs: x,
      steps: [{ op: 'TopK', in: ['x'], out: ['y', 'places'], with: { k: 2, axis: 2 } }],
    },
  ],
  [7, { inputs: x, steps: [one('Upsample', { scales: { floats: [1, 1, 2, 3] }, mode: 'nearest' })] }],
  [
    9,
    {
      inputs: x,
      stored: { s: { shape: [4], values: [1, 1, 2, 2] } },
      steps: [one('Upsample', { mode: 'linear' }, ['s'])],
    },
  ],
  [
    10,
    {
      inputs: x,
      stored: { s: { shape: [4], values: [1, 1, 1.5, 2] } },
      steps: [one('Resize', { mode: 'nearest' }, ['s'])],
    },
  ],
  [
    7,
    {
      inputs: x,
      stored: Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((name, i) => [name, { shape: [3], values: [1 + i, 2, 3 - i] }]),
      ),
      steps: [one('BatchNormalization', { spatial: 1 }, ['a', 'b', 'c', 'd'])],
    },
  ],
  [10, { inputs: x, steps: [one('GlobalAveragePool')] }],
]

it.each(cases)('version %i, case %#', async (opset, text) => {
  const model: ModelText = { ...text, outputs: ['y'], opset }
  const before = modelBytes(model)
  const shapes = new Map(Object.entries(text.inputs as Record<string, number[]>))
  const file = raiseOpset(parseOnnx(before, 'm.onnx'), (name) => shapes.get(name))
  expect(file.opset).toBe(13)
  const [batch] = shapes.get('x')!
  const [old, now] = [await byOnnxRuntime(before, {}, batch), await byOnnxRuntime(onnxBytes(file.proto), {}, batch)]
  const [expected, found] = [old.get('y')!, now.get('y')!]
  expect(found.shape).toEqual(expected.shape)
  found.values.forEach((value, i) => void expect(value).toBeCloseTo(expected.values[i], 5))
})

it('what is new enough stays the same object, and names that are taken are left alone', () => {
  const file = parseOnnx(modelBytes({ inputs: x, steps: [one('Relu')], outputs: ['y'], opset: 13 }), 'm.onnx')
  expect(raiseOpset(file, () => undefined)).toBe(file)
  const taken: ModelText = {
    inputs: { x: [2, 1] },
    stored: { y_axes: { shape: [2], values: [1, 2] } },
    steps: [
      { op: 'Squeeze', in: ['x'], out: 'y', with: { axes: [1] } },
      { op: 'Add', in: ['y', 'y_axes'], out: 'z' },
    ],
    outputs: ['z'],
    opset: 11,
  }
  const raised = raiseOpset(parseOnnx(modelBytes(taken), 'm.onnx'), () => undefined)
  expect(raised.graph.node[0].input[1]).toBe('y_axes.2')
})

it.each<[string, ModelText]>([
  ['expected version 7 or later', { inputs: x, steps: [one('Relu')], outputs: ['y'], opset: 6 }],
  ['the shape of x is not known', { inputs: x, steps: [one('Softmax')], outputs: ['y'], opset: 11 }],
  [
    'k (If) has graphs of its own',
    {
      inputs: { x: [1] },
      stored: { k: { shape: [], values: [1], type: 'bool' } },
      steps: [
        {
          op: 'If',
          in: ['k'],
          out: 'y',
          name: 'k',
          with: {
            then_branch: { graph: { steps: [{ op: 'Relu', in: ['x'], out: 'a' }], outputs: ['a'] } },
            else_branch: { graph: { steps: [{ op: 'Neg', in: ['x'], out: 'b' }], outputs: ['b'] } },
          },
        },
      ],
      outputs: ['y'],
      opset: 11,
    },
  ],
])('refused: %s', (why, text) => {
  const file = parseOnnx(modelBytes(text), 'm.onnx')
  expect(() => raiseOpset(file, () => undefined)).toThrow(
    `m.onnx uses version ${text.opset} of ONNX's operators, expected 13 or later, and cannot be raised to it: ${why}; export it again with opset 17`,
  )
})
