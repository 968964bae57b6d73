import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { type Step, type Stored, written } from './build.ts'
import { expectSame, normal } from './same.ts'
import { expectWholeOfOne } from './whole-of-one.ts'

const floats = (shape: readonly number[], seed: string): Stored => ({ shape, values: normal(shape, seed) })
const CHANNELS_LAST: Step = { op: 'Transpose', inputs: ['x'], output: 'turned', attributes: { perm: [0, 2, 3, 1] } }
const IMAGE = [-1, 6, 5, 7]

describe('LayerNormalization', () => {
  it.each([
    [-1, [7]],
    [2, [5, 7]],
    [1, [6, 5, 7]],
    [0, [1]],
  ])('from axis %i on', async (axis, shape) => {
    const stored = { scale: floats(shape, 'scale'), bias: floats(shape, 'bias') }
    const attributes = { axis, epsilon: { float: 1e-3 } }
    if (axis !== 0)
      await expectWholeOfOne({
        input: IMAGE,
        stored,
        steps: [{ op: 'LayerNormalization', inputs: ['x', 'scale', 'bias'], attributes }],
      })
    await expectWholeOfOne(
      {
        input: [4, 6, 5, 7],
        stored: { scale: floats(axis === 0 ? [4, 6, 5, 7] : shape, 'scale') },
        steps: [{ op: 'LayerNormalization', inputs: ['x', 'scale'], attributes }],
      },
      { batch: 4 },
    )
  })

  it('of channels that come last, whose scales are computed', () =>
    expectWholeOfOne({
      input: IMAGE,
      stored: { scale: floats([6], 'scale'), one: floats([7, 6], 'one') },
      steps: [
        CHANNELS_LAST,
        { op: 'LayerNormalization', inputs: ['turned', 'scale'], outputs: ['first'] },
        { op: 'ReduceMean', inputs: ['first'], output: 'mean', attributes: { axes: [0, 1, 2], keepdims: 0 } },
        { op: 'LayerNormalization', inputs: ['first', 'scale', 'mean'], outputs: ['second'] },
        { op: 'LayerNormalization', inputs: ['second', 'one'], attributes: { axis: 2 } },
      ],
    }))

  it('gives the mean and the inverse deviation as well', async () => {
    for (const place of [1, 2])
      await expectWholeOfOne({
        input: IMAGE,
        stored: { scale: floats([7], 'scale'), bias: floats([7], 'bias') },
        steps: [
          {
            op: 'LayerNormalization',
            inputs: ['x', 'scale', 'bias'],
            outputs: ['a', place === 1 ? 'y' : 'b', place === 2 ? 'y' : 'b'],
          },
        ],
      })
  })

  it('as its parts', () =>
    expectWholeOfOne({
      input: IMAGE,
      stored: {
        scale: floats([6], 'scale'),
        bias: floats([6], 'bias'),
        two: { shape: [], values: [2] },
        epsilon: { shape: [], values: [1e-5] },
      },
      steps: [
        CHANNELS_LAST,
        { op: 'ReduceMean', inputs: ['turned'], output: 'mean', attributes: { axes: [-1] } },
        { op: 'Sub', inputs: ['turned', 'mean'], output: 'centred' },
        { op: 'Pow', inputs: ['centred', 'two'], output: 'squares' },
        { op: 'ReduceMean', inputs: ['squares'], output: 'variance', attributes: { axes: [-1] } },
        { op: 'Add', inputs: ['variance', 'epsilon'], output: 'sum' },
        { op: 'Sqrt', inputs: ['sum'], output: 'deviation' },
        { op: 'Div', inputs: ['centred', 'deviation'], output: 'normal' },
        { op: 'Mul', inputs: ['normal', 'scale'], output: 'scaled' },
        { op: 'Add', inputs: ['scaled', 'bias'] },
      ],
    }))
})

describe('other normalizations', () => {
  it('InstanceNormalization over one, two and three axes of places', async () => {
    for (const places of [[9], [5, 7], [3, 2, 4]])
      await expectWholeOfOne({
        input: [-1, 6, ...places],
        stored: { scale: floats([6], 'scale'), bias: floats([6], 'bias') },
        steps: [{ op: 'InstanceNormalization', inputs: ['x', 'scale', 'bias'] }],
      })
  })

  it.each([
    [18, 3],
    [21, 6],
  ])('GroupNormalization of opset %i', async (opset, scales) => {
    for (const places of [[9], [5, 7]])
      await expectWholeOfOne({
        input: [-1, 6, ...places],
        opset,
        stored: { scale: floats([scales], 'scale'), bias: floats([scales], 'bias') },
        steps: [{ op: 'GroupNormalization', inputs: ['x', 'scale', 'bias'], attributes: { num_groups: 3 } }],
      })
  })

  it('GroupNormalization refuses groups that do not divide the channels', () => {
    const bytes = written({
      input: IMAGE,
      opset: 21,
      stored: { scale: floats([6], 'scale'), bias: floats([6], 'bias') },
      steps: [{ op: 'GroupNormalization', inputs: ['x', 'scale', 'bias'], attributes: { num_groups: 4 } }],
    })
    expect(() => wholeNetwork(parseOnnx(bytes, 'm.onnx'), {}, 1)).toThrow(
      'm.onnx: node y (GroupNormalization): expected a num_groups that divides 6 channels, found 4',
    )
  })

  it('RMSNormalization', async () => {
    for (const axis of [-1, 2])
      await expectWholeOfOne({
        input: IMAGE,
        opset: 23,
        stored: { scale: floats(axis === 2 ? [5, 7] : [7], 'scale') },
        steps: [{ op: 'RMSNormalization', inputs: ['x', 'scale'], attributes: { axis, epsilon: { float: 0.01 } } }],
      })
  })

  it('LpNormalization along any axis', async () => {
    for (const axis of [0, 1, -1])
      for (const p of [1, 2])
        await expectWholeOfOne({
          input: IMAGE,
          steps: [{ op: 'LpNormalization', inputs: ['x'], attributes: { axis, p } }],
        })
  })

  it('MeanVarianceNormalization', async () => {
    await expectWholeOfOne({ input: IMAGE, steps: [{ op: 'MeanVarianceNormalization', inputs: ['x'] }] })
    await expectWholeOfOne({
      input: IMAGE,
      steps: [{ op: 'MeanVarianceNormalization', inputs: ['x'], attributes: { axes: [2, 3] } }],
    })
  })

  it('LRN of even and odd sizes', async () => {
    for (const size of [1, 3, 5])
      await expectWholeOfOne({
        input: IMAGE,
        steps: [
          {
            op: 'LRN',
            inputs: ['x'],
            attributes: { size, alpha: { float: 0.3 }, beta: { float: 0.6 }, bias: { float: 1.5 } },
          },
        ],
      })
  })

  it.each([[[4, 6]], [[3, 6, 5]], [[1, 6, 5, 7]]])(
    'BatchNormalization by the statistics of the batch [%s], and what becomes of those that are stored',
    async (shape) => {
      const stored = {
        scale: floats([6], 'scale'),
        bias: floats([6], 'bias'),
        mean: floats([6], 'mean'),
        variance: floats([6], 'variance'),
      }
      const attributes = { training_mode: 1, momentum: { float: 0.7 }, epsilon: { float: 0.01 } }
      for (const output of ['y', 'm', 'v'].keys()) {
        const outputs = ['n', 'm', 'v']
        const steps: Step[] = [
          { op: 'BatchNormalization', inputs: ['x', ...Object.keys(stored)], outputs, attributes },
          { op: 'Neg', inputs: [outputs[output]] },
        ]
        await expectWholeOfOne({ input: shape, stored, steps }, { batch: shape[0] })
      }
    },
  )

  it('BatchNormalization by the statistics of the batch: a file that is written for one sample runs one by one', async () => {
    const four = floats([4], 'four')
    const stored = { scale: four, bias: four, mean: four, variance: floats([4], 'v') }
    const attributes = { training_mode: 1 }
    const outputs = ['y', 'm', 'v2']
    const steps: Step[] = [{ op: 'BatchNormalization', inputs: ['x', ...Object.keys(stored)], outputs, attributes }]
    await expectSame({ input: [1, 4, 3, 5], stored, steps })
    expect(String(readOnnx(written({ input: [2, 4, 3, 5], stored, steps }), 'm.onnx').onnx.network)).toContain(
      'm.onnx: it is written for batches of 2, whose samples cannot be told apart',
    )
  })

  it('BatchNormalization of any rank, and of computed statistics', async () => {
    const stored = {
      scale: floats([6], 'scale'),
      bias: floats([6], 'bias'),
      mean: floats([6], 'mean'),
      variance: { shape: [6], values: [1, 2, 0.5, 3, 1, 0.1] },
    }
    const inputs = ['x', 'scale', 'bias', 'mean', 'variance']
    for (const places of [[], [9], [5, 7], [3, 2, 4]])
      await expectWholeOfOne({ input: [-1, 6, ...places], stored, steps: [{ op: 'BatchNormalization', inputs }] })
    await expectWholeOfOne({
      input: IMAGE,
      stored,
      steps: [
        { op: 'ReduceMean', inputs: ['x'], output: 'own', attributes: { axes: [0, 2, 3], keepdims: 0 } },
        { op: 'BatchNormalization', inputs: ['x', 'scale', 'bias', 'own', 'variance'] },
      ],
    })
  })
})
