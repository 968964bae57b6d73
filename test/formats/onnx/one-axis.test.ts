import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { graphOf } from '../../../src/models/model.ts'
import { type Written, written } from './build.ts'
import { expectSame, normal } from './same.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const small = fc.integer({ min: 1, max: 3 })
const autoPads = fc.constantFrom('NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER')
const same = (arbitrary: fc.Arbitrary<Written>) =>
  fc.assert(
    fc.asyncProperty(arbitrary, (model) => expectSame(model)),
    { numRuns: 40 },
  )

const network: Written = {
  input: [-1, 2, 16],
  stored: {
    w: floats([3, 2, 5], 'w'),
    b: floats([3], 'b'),
    scale: floats([3], 's'),
    mean: floats([3], 'm'),
    variance: { shape: [3], values: [0.5, 1, 2] },
    tall: floats([12, 4], 't'),
  },
  steps: [
    { op: 'Conv', inputs: ['x', 'w', 'b'], attributes: { kernel_shape: [5], strides: [2], pads: [2, 2] } },
    { op: 'BatchNormalization', inputs: ['v1', 'scale', 'b', 'mean', 'variance'] },
    { op: 'Relu', inputs: ['v2'] },
    { op: 'MaxPool', inputs: ['v3'], attributes: { kernel_shape: [2], strides: [2] } },
    { op: 'Flatten', inputs: ['v4'] },
    { op: 'MatMul', inputs: ['v5', 'tall'] },
  ],
}

describe('windows over one axis', () => {
  it('Conv with strides, dilations, groups and every auto_pad', () =>
    same(
      fc
        .tuple(fc.integer({ min: 5, max: 12 }), small, small, small, autoPads)
        .map(([length, kernel, stride, group, pad]) => ({
          input: [-1, 2 * group, length],
          stored: { w: floats([3 * group, 2, kernel], 'w'), b: floats([3 * group], 'b') },
          steps: [
            {
              op: 'Conv',
              inputs: ['x', 'w', 'b'],
              attributes: {
                group,
                strides: [stride],
                auto_pad: pad,
                dilations: [pad === 'NOTSET' && kernel < 3 ? 2 : 1],
                ...(pad === 'NOTSET' && { pads: [kernel - 1, 1] }),
              },
            },
          ],
        })),
    ))

  it.each(['MaxPool', 'AveragePool'])('%s with padding, ceil_mode and count_include_pad', (op) =>
    same(
      fc
        .tuple(fc.integer({ min: 5, max: 12 }), fc.integer({ min: 2, max: 3 }), small, fc.boolean(), fc.boolean())
        .map(([length, kernel, stride, ceil, count]) => ({
          input: [-1, 2, length],
          steps: [
            {
              op,
              inputs: ['x'],
              attributes: {
                kernel_shape: [kernel],
                strides: [Math.min(stride, kernel)],
                pads: [1, 0],
                ceil_mode: Number(ceil),
                ...(op === 'AveragePool' && { count_include_pad: Number(count) }),
              },
            },
          ],
        })),
    ),
  )

  it.each(['GlobalAveragePool', 'GlobalMaxPool'])('%s leaves three axes', (op) =>
    expectSame({
      input: [-1, 3, 7],
      stored: { axes: { shape: [1], values: [2], whole: true }, w: floats([3, 2], 'w') },
      steps: [
        { op, inputs: ['x'] },
        { op: 'Squeeze', inputs: ['v1', 'axes'] },
        { op: 'MatMul', inputs: ['v2', 'w'] },
      ],
    }),
  )

  it('a network of them runs, and its kernels can be pruned', async () => {
    await expectSame(network)
    const { onnx } = readOnnx(written(network), 'm.onnx')
    if (onnx.network instanceof Error) throw onnx.network
    const weights = prunableParameters(graphOf(onnx.network.model)).map(({ name, shape }) => [name, shape])
    expect(weights).toEqual([
      ['w', [3, 2, 1, 5]],
      ['tall', [4, 12]],
    ])
  })

  it('the length of a sample that a file leaves open is that of --crop, or of the matrix that reads it', async () => {
    const bytes = written({ ...network, input: [-1, 2, -1] })
    const say = (options: Parameters<typeof readOnnx>[2]) => {
      const { network } = readOnnx(bytes, 'm.onnx', options).onnx
      return network instanceof Error ? network.message : network.model.image
    }
    expect(say({})).toContain('m.onnx: its input x is [N, 2, N]: say how large images are with --crop')
    expect(say({ plane: [16, 16] })).toEqual([1, 2, 16])
    const open = (steps: Written['steps']) => {
      const stored = { w: floats([6, 3], 'w') }
      const { network } = readOnnx(written({ input: [-1, -1], stored, steps }), 'm.onnx').onnx
      return network instanceof Error ? network.message : network.model.image
    }
    expect(open([{ op: 'MatMul', inputs: ['x', 'w'] }])).toEqual([1, 1, 6])
    expect(open([{ op: 'Gemm', inputs: ['x', 'w'], attributes: { transB: 1 } }])).toEqual([3, 1, 1])
    expect(open([{ op: 'Relu', inputs: ['x'] }])).toContain('say how large images are with --crop')
  })
})
