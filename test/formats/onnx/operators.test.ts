import fc from 'fast-check'
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { best } from '../../support/engines.ts'
import { type Step, type Written, written } from './build.ts'
import { farthest } from './images.ts'
import { expectSame, normal } from './same.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })

const same = (arbitrary: fc.Arbitrary<Written>, numRuns = 40) =>
  fc.assert(
    fc.asyncProperty(arbitrary, (model) => expectSame(model)),
    { numRuns },
  )

const side = fc.integer({ min: 5, max: 9 })
const small = fc.integer({ min: 1, max: 3 })
const autoPads = fc.constantFrom('NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER')

describe('operators as ONNX Runtime computes them', () => {
  it('Conv with strides, dilations, groups and every auto_pad', () =>
    same(
      fc
        .tuple(side, side, small, small, small, small, autoPads, fc.boolean())
        .map(([h, w, kh, kw, stride, group, pad, bias]) => {
          const dilation = pad === 'NOTSET' && kh > 1 ? 2 : 1
          const [channels, outputs] = [2 * group, 3 * group]
          return {
            input: [-1, channels, h, w],
            stored: { w: floats([outputs, 2, kh, kw], 'w'), ...(bias && { b: floats([outputs], 'b') }) },
            steps: [
              {
                op: 'Conv',
                inputs: ['x', 'w', ...(bias ? ['b'] : [])],
                attributes: {
                  group,
                  strides: [stride, 1],
                  dilations: [dilation, 1],
                  auto_pad: pad,
                  ...(pad === 'NOTSET' && { pads: [kh - 1, 0, 1, kw - 1] }),
                },
              },
            ],
          }
        }),
    ))

  // ONNX Runtime refuses `SAME` where the stride is larger than the kernel.
  it.each(['MaxPool', 'AveragePool'])('%s with padding, ceil_mode and count_include_pad', (op) =>
    same(
      fc
        .tuple(side, side, fc.integer({ min: 2, max: 3 }), small, fc.boolean(), fc.boolean(), autoPads)
        .map(([h, w, kernel, stride, ceil, count, pad]) => ({
          input: [-1, 2, h, w],
          steps: [
            {
              op,
              inputs: ['x'],
              attributes: {
                kernel_shape: [kernel, kernel],
                strides: [Math.min(stride, kernel), Math.min(stride, kernel)],
                auto_pad: pad,
                ...(pad === 'NOTSET' && { pads: [1, 0, 1, 1], ceil_mode: Number(ceil) }),
                ...(op === 'AveragePool' && { count_include_pad: Number(count) }),
              },
            },
          ],
        })),
      60,
    ),
  )

  it('Gemm with transB, alpha, beta and any form of bias', () =>
    same(
      fc
        .tuple(
          fc.boolean(),
          fc.constantFrom(1, 0.5),
          fc.constantFrom(1, 2),
          fc.constantFrom(undefined, [4], [1, 4], [1], []),
        )
        .map(([transposed, alpha, beta, bias]) => ({
          input: [-1, 6],
          stored: { w: floats(transposed ? [4, 6] : [6, 4], 'w'), ...(bias && { b: floats(bias, 'b') }) },
          steps: [
            {
              op: 'Gemm',
              inputs: ['x', 'w', ...(bias ? ['b'] : [])],
              attributes: { transB: Number(transposed), alpha: { float: alpha }, beta: { float: beta } },
            },
          ],
        })),
    ))

  const steps: Record<string, Step[]> = {
    Relu: [{ op: 'Relu', inputs: ['x'] }],
    LeakyRelu: [{ op: 'LeakyRelu', inputs: ['x'], attributes: { alpha: { float: 0.3 } } }],
    PRelu: [{ op: 'PRelu', inputs: ['x', 'perChannel'] }],
    Sigmoid: [{ op: 'Sigmoid', inputs: ['x'] }],
    Tanh: [{ op: 'Tanh', inputs: ['x'] }],
    HardSigmoid: [{ op: 'HardSigmoid', inputs: ['x'], attributes: { alpha: { float: 0.3 } } }],
    HardSwish: [{ op: 'HardSwish', inputs: ['x'] }],
    'Clip with limits as inputs': [{ op: 'Clip', inputs: ['x', 'low', 'high'] }],
    'Clip from below only': [{ op: 'Clip', inputs: ['x', 'low'] }],
    'Clip from above only': [{ op: 'Clip', inputs: ['x', '', 'high'] }],
    'Clip whose least is above its most': [{ op: 'Clip', inputs: ['x', 'high', 'low'] }],
    'Clip to an infinite limit': [{ op: 'Clip', inputs: ['x', 'low', 'infinite'] }],
    'Max with what is no limit for some channels': [{ op: 'Max', inputs: ['huge', 'x'] }],
    'swish as a product': [
      { op: 'Sigmoid', inputs: ['x'] },
      { op: 'Mul', inputs: ['x', 'v1'] },
    ],
    'Add and Mul per channel': [
      { op: 'Add', inputs: ['x', 'perChannel'] },
      { op: 'Mul', inputs: ['perChannel', 'v1'] },
    ],
    'Sub and Div': [
      { op: 'Sub', inputs: ['low', 'x'] },
      { op: 'Div', inputs: ['v1', 'high'] },
    ],
    'Div by what is computed': [
      { op: 'Sigmoid', inputs: ['x'] },
      { op: 'Div', inputs: ['x', 'v1'] },
    ],
    'Pow of 2': [{ op: 'Pow', inputs: ['x', 'two'] }],
    Sum: [{ op: 'Sum', inputs: ['x', 'perChannel', 'x'] }],
    'Max and Min with numbers': [
      { op: 'Max', inputs: ['x', 'low'] },
      { op: 'Min', inputs: ['high', 'v1'] },
    ],
    'Max and Min per channel, and of what is computed': [
      { op: 'Max', inputs: ['perChannel', 'x', 'low'] },
      { op: 'Neg', inputs: ['x'] },
      { op: 'Min', inputs: ['v1', 'v2', 'x'] },
    ],
    GlobalAveragePool: [{ op: 'GlobalAveragePool', inputs: ['x'] }],
    GlobalMaxPool: [{ op: 'GlobalMaxPool', inputs: ['x'] }],
    'ReduceMean over negative axes': [{ op: 'ReduceMean', inputs: ['x'], attributes: { axes: [-1, -2], keepdims: 0 } }],
    'ReduceSum with axes as an input': [{ op: 'ReduceSum', inputs: ['x', 'axes'] }],
    Concat: [
      { op: 'Relu', inputs: ['x'] },
      { op: 'Concat', inputs: ['v1', 'x'], attributes: { axis: -3 } },
    ],
    'Slice with steps and negative ends': [{ op: 'Slice', inputs: ['x', 'starts', 'ends', 'axes', 'steps'] }],
    'Gather of one channel': [{ op: 'Gather', inputs: ['x', 'index'], attributes: { axis: 1 } }],
    'Pad with zeros': [{ op: 'Pad', inputs: ['x', 'pads'] }],
    'Flatten at any axis': [
      { op: 'Flatten', inputs: ['x'], attributes: { axis: -3 } },
      { op: 'Reshape', inputs: ['v1', 'flat'] },
    ],
    'Squeeze and Unsqueeze': [
      { op: 'GlobalAveragePool', inputs: ['x'] },
      { op: 'Squeeze', inputs: ['v1', 'axes'] },
      { op: 'Unsqueeze', inputs: ['v2', 'index'] },
    ],
    'sizes read while it runs': [
      { op: 'Shape', inputs: ['x'] },
      { op: 'Gather', inputs: ['v1', 'zero'] },
      { op: 'Unsqueeze', inputs: ['v2', 'zeros'] },
      { op: 'Concat', inputs: ['v3', 'rest'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['x', 'v4'] },
    ],
    'channels in another order': [
      { op: 'Reshape', inputs: ['x', 'grouped'] },
      { op: 'Transpose', inputs: ['v1'], attributes: { perm: [0, 2, 1, 3, 4] } },
      { op: 'Reshape', inputs: ['v2', 'ungrouped'] },
    ],
    'Transpose that is not undone': [{ op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 2, 3, 1] } }],
    'Softmax of channels in the middle': [
      { op: 'Softmax', inputs: ['x'], attributes: { axis: 1 } },
      { op: 'Mul', inputs: ['x', 'v1'] },
    ],
    'a weight behind Identity and Transpose': [
      { op: 'Identity', inputs: ['matrix'] },
      { op: 'Transpose', inputs: ['v1'] },
      { op: 'Flatten', inputs: ['x'] },
      { op: 'MatMul', inputs: ['v3', 'v2'] },
    ],
    'MatMul and Add, either way round': [
      { op: 'Flatten', inputs: ['x'] },
      { op: 'MatMul', inputs: ['v1', 'tall'] },
      { op: 'Add', inputs: ['bias', 'v2'] },
    ],
    'one weight twice, turned': [
      { op: 'Flatten', inputs: ['x'] },
      { op: 'Gemm', inputs: ['v1', 'square'], attributes: { transB: 1 } },
      { op: 'Gemm', inputs: ['v2', 'square'] },
    ],
  }
  /** By version of the operators. */
  const dated: [string, number, Step[]][] = [
    [
      'Softmax over all axes from one on, before opset 13',
      11,
      [
        { op: 'Softmax', inputs: ['x'], attributes: { axis: 1 } },
        { op: 'Mul', inputs: ['x', 'v1'] },
      ],
    ],
    [
      'Softmax over the last two axes, before opset 13',
      12,
      [
        { op: 'Softmax', inputs: ['x'], attributes: { axis: -2 } },
        { op: 'Mul', inputs: ['x', 'v1'] },
      ],
    ],
    [
      'Clip with limits as attributes',
      10,
      [{ op: 'Clip', inputs: ['x'], attributes: { min: { float: -0.5 }, max: { float: 0.25 } } }],
    ],
    ['Pad of some axes', 18, [{ op: 'Pad', inputs: ['x', 'two ends', '', 'axes'] }]],
    ['Pad as attributes', 10, [{ op: 'Pad', inputs: ['x'], attributes: { pads: [0, 0, 1, 2, 0, 0, 0, 1] } }]],
    ['ReduceMean over no axes', 18, [{ op: 'ReduceMean', inputs: ['x'], attributes: { noop_with_empty_axes: 1 } }]],
    [
      'ReduceMean with axes as an input',
      18,
      [{ op: 'ReduceMean', inputs: ['x', 'axes'], attributes: { keepdims: 0 } }],
    ],
    [
      'Split into parts that are not equal',
      18,
      [
        { op: 'Split', inputs: ['x'], attributes: { axis: -1, num_outputs: 2 }, outputs: ['a', 'b'] },
        { op: 'Concat', inputs: ['b', 'a'], attributes: { axis: 3 } },
      ],
    ],
    [
      'Split by a list',
      17,
      [
        { op: 'Split', inputs: ['x', 'one and three'], attributes: { axis: 1 }, outputs: ['a', 'b'] },
        { op: 'Concat', inputs: ['b', 'a'], attributes: { axis: 1 } },
      ],
    ],
    [
      'Squeeze with axes as an attribute',
      11,
      [
        { op: 'GlobalMaxPool', inputs: ['x'] },
        { op: 'Squeeze', inputs: ['v1'], attributes: { axes: [-1, 2] } },
      ],
    ],
    ['Dropout at inference', 17, [{ op: 'Dropout', inputs: ['x', 'high', 'no'] }]],
    ['Dropout before opset 12', 10, [{ op: 'Dropout', inputs: ['x'], attributes: { ratio: { float: 0.3 } } }]],
  ]
  const stored = {
    no: { shape: [], values: [0], type: DataType.BOOL },
    'two ends': whole(1, 0, 0, 2),
    'one and three': whole(1, 3),
    huge: { shape: [4, 1, 1], values: [-3.4028234663852886e38, 0.5, -1e30, -0.25] },
    infinite: { shape: [], values: [Infinity] },
    perChannel: floats([4, 1, 1], 'c'),
    matrix: floats([3, 80], 'm'),
    tall: floats([80, 3], 't'),
    square: floats([80, 80], 's'),
    bias: floats([3], 'b'),
    low: { shape: [], values: [-0.5] },
    high: { shape: [], values: [0.75] },
    two: { shape: [], values: [2] },
    axes: whole(2, 3),
    starts: whole(0, 1),
    ends: whole(-1, 9),
    steps: whole(1, 2),
    index: whole(1),
    zero: { shape: [], values: [0], whole: true },
    zeros: whole(0),
    rest: whole(-1),
    flat: whole(0, -1),
    pads: whole(0, 0, 1, 0, 0, 0, 2, 1),
    grouped: whole(0, 2, 2, 4, 5),
    ungrouped: whole(-1, 4, 4, 5),
  }
  it.each(Object.entries(steps))('%s', (_name, list) => expectSame({ input: [-1, 4, 4, 5], stored, steps: list }))
  it.each(dated)('%s (opset %i)', (_name, opset, list) =>
    expectSame({ input: [-1, 4, 4, 5], stored, steps: list, opset }),
  )

  it('Softmax at the end is left out: its inputs are the scores', () => {
    const bytes = written({
      input: [-1, 6],
      stored: { w: floats([6, 3], 'w') },
      steps: [
        { op: 'MatMul', inputs: ['x', 'w'] },
        { op: 'Softmax', inputs: ['v1'] },
      ],
    })
    const x = Float32Array.from(normal([1, 6], 'x'))
    const w = normal([6, 3], 'w')
    const expected = [0, 1, 2].map((o) => x.reduce((sum, value, i) => sum + value * w[3 * i + o], 0))
    expect(farthest(new SparseModel(readOnnx(bytes, 'm.onnx'), { machine: best }).run(x), expected)).toBeLessThan(1e-5)
  })

  it('channels last, as TensorFlow has them: transposes around convolutions cancel', async () => {
    const model: Written = {
      input: [-1, 8, 7, 3],
      stored: {
        w1: floats([4, 3, 3, 3], 'w1'),
        w2: floats([4, 4, 1, 1], 'w2'),
        b: floats([4], 'b'),
        w3: floats([12 * 4, 5], 'w3'),
        bias: floats([5], 'bias'),
        flat: whole(-1, 48),
      },
      steps: [
        { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 3, 1, 2] } },
        { op: 'Conv', inputs: ['v1', 'w1', 'b'], attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] } },
        { op: 'Transpose', inputs: ['v2'], attributes: { perm: [0, 2, 3, 1] } },
        { op: 'Relu', inputs: ['v3'] },
        { op: 'Transpose', inputs: ['v4'], attributes: { perm: [0, 3, 1, 2] } },
        { op: 'Conv', inputs: ['v5', 'w2'] },
        { op: 'Add', inputs: ['v2', 'v6'] },
        { op: 'MaxPool', inputs: ['v7'], attributes: { kernel_shape: [2, 2], pads: [0, 0, 1, 0], strides: [1, 1] } },
        { op: 'Transpose', inputs: ['v8'], attributes: { perm: [0, 2, 3, 1] } },
        { op: 'Reshape', inputs: ['v9', 'flat'] },
        { op: 'MatMul', inputs: ['v10', 'w3'] },
        { op: 'Add', inputs: ['v11', 'bias'] },
      ],
    }
    await expectSame(model)
    const { onnx } = readOnnx(written(model), 'm.onnx')
    if (onnx.network instanceof Error) throw onnx.network
    expect(onnx.network.model.image).toEqual([3, 8, 7])
  })
})
