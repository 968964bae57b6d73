/** @file What TensorFlow Lite files cannot say is refused in a sentence that names the node. */
import { expect, it } from 'vitest'
import { UserError } from '../../../src/util/errors.ts'
import { type ModelText, mixed, modelBytes, type Step, type Stored } from '../onnx/models.ts'
import { written } from './written.ts'

const model = (
  steps: Step[],
  stored: Record<string, Stored> = {},
  inputs: ModelText['inputs'] = { x: ['N', 2, 6, 6] },
): ModelText => ({ inputs, stored, steps, outputs: ['y'] })

const number = (value: number): Stored => ({ shape: [], values: [value] })
const weights = (...shape: number[]): Stored => ({ shape, values: mixed(shape.reduce((a, b) => a * b)) })

it.each<[string, ModelText, string]>([
  [
    'an operator',
    model([{ op: 'Erf', in: ['x'], out: 'y', name: 'bell' }]),
    'model.tflite: node bell (Erf) needs the operator Erf, which TensorFlow Lite has not',
  ],
  [
    'what is GELU but for a factor',
    model(
      [
        { op: 'Div', in: ['x', 'r'], out: 'd' },
        { op: 'Erf', in: ['d'], out: 'e', name: 'bell' },
        { op: 'Add', in: ['e', 'one'], out: 'a' },
        { op: 'Mul', in: ['x', 'a'], out: 'm' },
        { op: 'Mul', in: ['m', 'third'], out: 'y' },
      ],
      { r: number(Math.SQRT2), one: number(1), third: number(1 / 3) },
    ),
    'model.tflite: node bell (Erf) needs the operator Erf, which TensorFlow Lite has not',
  ],
  [
    'weights that are computed',
    model(
      [
        { op: 'ReduceMean', in: ['x'], out: 'm', with: { axes: [2, 3], keepdims: 1 } },
        { op: 'Mul', in: ['w', 'm'], out: 'v' },
        { op: 'Conv', in: ['x', 'v'], out: 'y', name: 'made', with: { kernel_shape: [3, 3] } },
      ],
      { w: weights(4, 2, 3, 3) },
      { x: [1, 2, 6, 6] },
    ),
    'model.tflite: node made (Conv) has a weight that is computed while the network runs, expected a stored one',
  ],
  [
    'places that are computed',
    model(
      [
        { op: 'Cast', in: ['x'], out: 'i', with: { to: 7 } },
        { op: 'GatherElements', in: ['w', 'i'], out: 'y', name: 'table', with: { axis: 1 } },
      ],
      { w: weights(1, 4) },
      { x: [1, 4] },
    ),
    'model.tflite: node i (Cast) needs the operator Trunc, which TensorFlow Lite has not',
  ],
  [
    'a transposed convolution with groups',
    model([{ op: 'ConvTranspose', in: ['x', 'w'], out: 'y', name: 'up', with: { group: 2 } }], {
      w: weights(2, 1, 3, 3),
    }),
    'model.tflite: node up (ConvTranspose) has groups or dilations, which a transposed convolution of TensorFlow Lite has not',
  ],
  [
    'inputs of whole numbers',
    model([{ op: 'Cast', in: ['x'], out: 'y', with: { to: 1 } }], {}, { x: { shape: [1, 4], type: 'int64' } }),
    'model.tflite: its input x holds whole numbers, expected floats',
  ],
  [
    'more axes than there can be',
    model(
      [
        { op: 'Reshape', in: ['x', 's'], out: 'r' },
        { op: 'Relu', in: ['r'], out: 'y' },
      ],
      { s: { shape: [7], values: [1, 2, 2, 3, 1, 3, 2], type: 'int64' } },
      { x: [1, 2, 6, 6] },
    ),
    'model.tflite: tensor Reshape_1 has 7 axes, expected 6 at most as TensorFlow Lite takes',
  ],
  [
    'what does not run here',
    model([{ op: 'Unheard', in: ['x'], out: 'y', name: 'new' }]),
    'model.onnx: node new (Unheard): the operator Unheard does not run here',
  ],
])('%s', (_, text, sentence) => {
  const write = () => written(modelBytes(text))
  expect(write).toThrow(UserError)
  expect(write).toThrow(sentence)
})
