import { TensorProto_DataType as DataType } from 'onnx-buf'
import { describe, it } from 'vitest'
import { random } from '../../../src/util/random.ts'
import type { Attribute, Step, Stored } from './build.ts'
import { normal } from './same.ts'
import { expectWholeOfOne } from './whole-of-one.ts'

const { INT8, INT32, UINT8, FLOAT } = DataType
const floats = (...values: number[]): Stored => ({ shape: values.length === 1 ? [] : [values.length], values })
const of = (type: DataType, shape: readonly number[], ...values: number[]): Stored => ({ type, shape, values })

/** Whole numbers from `least` on, below `least` + 256. */
const bytes = (type: DataType, shape: readonly number[], least: number, seed: string): Stored => {
  const draw = random(7, seed)
  return {
    type,
    shape,
    values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.below(256) + least),
  }
}

const toFloat = (input: string): Step => ({ op: 'Cast', inputs: [input], attributes: { to: FLOAT } })

/** x as whole numbers from 0 to 255, q, by a scale of 1/40 about 100. */
const quantized: Step = { op: 'QuantizeLinear', inputs: ['x', 'xs', 'xz'], output: 'q' }
const input = { xs: floats(1 / 40), xz: of(UINT8, [], 100) }
const exactly = { tolerance: 0 }

const windows: Record<string, Attribute>[] = [{}, { pads: [1, 0, 1, 2], strides: [2, 1] }, { group: 2 }]

/** Of 7 bits: kernels of ONNX Runtime saturate sums of two products of 8 bits on some processors. */
const small = (shape: readonly number[], seed: string): Stored => {
  const { values, ...rest } = bytes(INT8, shape, -128, seed)
  return { ...rest, values: values.map((value) => Math.trunc(value / 2)) }
}

describe('quantized operators', () => {
  it.each<[string, Record<string, Stored>, Record<string, Attribute>]>([
    ['one scale', { s: floats(0.05), z: of(INT8, [], 3) }, {}],
    ['one scale, saturating', { s: floats(0.005), z: of(UINT8, [], 128) }, {}],
    ['a scale per channel', { s: floats(0.05, 0.3), z: of(INT8, [2], 3, -7) }, {}],
    ['a scale per column', { s: floats(0.05, 0.3, 0.01, 1, 2), z: of(INT8, [5], 3, -7, 0, 0, 1) }, { axis: -1 }],
  ])('QuantizeLinear and DequantizeLinear by %s', async (_name, stored, attributes) => {
    const steps: Step[] = [
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], output: 'q', attributes },
      { op: 'DequantizeLinear', inputs: ['q', 's', 'z'], attributes },
    ]
    await expectWholeOfOne({ input: [-1, 2, 7, 5], stored, steps })
    await expectWholeOfOne({ input: [-1, 2, 7, 5], stored, steps: [steps[0], toFloat('q')] }, exactly)
  })

  it('QuantizeLinear without a zero point, to the even one of two', () =>
    expectWholeOfOne(
      {
        input: [-1, 6],
        stored: { s: floats(0.5) },
        steps: [{ op: 'QuantizeLinear', inputs: ['x', 's'], output: 'q' }, toFloat('q')],
      },
      { batch: 1, values: [0.25, 0.75, 1.25, -1, 200, 0.26], tolerance: 0 },
    ))

  it('DynamicQuantizeLinear, and what it finds', async () => {
    for (const place of [0, 1, 2]) {
      const outputs = ['q', 's', 'z']
      const steps: Step[] = [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs }, toFloat(outputs[place])]
      await expectWholeOfOne({ input: [-1, 2, 7, 5], steps })
      // Of positive numbers alone, the least is 0.
      await expectWholeOfOne({ input: [-1, 8], steps }, { batch: 1, values: [3, 1, 4, 1, 5, 9, 2, 6] })
    }
  })

  it('ConvInteger, with padding, which is the zero point', async () => {
    for (const type of [UINT8, INT8])
      for (const attributes of windows) {
        const channels = 'group' in attributes ? 1 : 2
        const w = bytes(type, [4, channels, 3, 2], type === INT8 ? -128 : 0, 'w')
        await expectWholeOfOne(
          {
            input: [-1, 2, 7, 5],
            stored: { ...input, w, wz: of(type, [], type === INT8 ? 5 : 120) },
            steps: [
              quantized,
              { op: 'ConvInteger', inputs: ['q', 'w', 'xz', 'wz'], output: 'c', attributes },
              toFloat('c'),
            ],
          },
          exactly,
        )
      }
  })

  it('ConvInteger with a kernel and zero points that are computed', async () => {
    const kernel: Step[] = [
      { op: 'Slice', inputs: ['x', 'from', 'to', 'axes'], output: 's' },
      { op: 'DynamicQuantizeLinear', inputs: ['s'], outputs: ['w', 'ws', 'wz'] },
      { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'xs', 'xz'] },
    ]
    const places = (...values: number[]): Stored => ({ shape: [values.length], values, whole: true })
    for (const attributes of windows.slice(0, 2))
      await expectWholeOfOne(
        {
          input: [1, 2, 7, 5],
          stored: { from: places(1, 0), to: places(4, 2), axes: places(2, 3) },
          steps: [
            ...kernel,
            { op: 'ConvInteger', inputs: ['q', 'w', 'xz', 'wz'], output: 'c', attributes },
            toFloat('c'),
          ],
        },
        { ...exactly, batch: 1 },
      )
  })

  it('MatMulInteger, also of more places, with zero points per column', async () => {
    for (const shape of [
      [-1, 6],
      [-1, 3, 6],
    ])
      for (const zero of [of(INT8, [], 9), of(INT8, [4], 1, -2, 3, -4)])
        await expectWholeOfOne(
          {
            input: shape,
            stored: { ...input, w: bytes(INT8, [6, 4], -128, 'w'), wz: zero },
            steps: [quantized, { op: 'MatMulInteger', inputs: ['q', 'w', 'xz', 'wz'], output: 'c' }, toFloat('c')],
          },
          exactly,
        )
  })

  it('QLinearConv with a scale per output channel and a bias', () =>
    expectWholeOfOne(
      {
        input: [-1, 2, 7, 5],
        stored: {
          ...input,
          w: small([4, 2, 3, 3], 'w'),
          ws: floats(0.01, 0.02, 0.005, 0.015),
          wz: of(INT8, [4], 0, 0, 0, 0),
          ys: floats(0.11),
          yz: of(UINT8, [], 77),
          b: of(INT32, [4], 100, -2000, 0, 4000),
        },
        steps: [
          quantized,
          {
            op: 'QLinearConv',
            inputs: ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'],
            output: 'c',
            attributes: { pads: [1, 1, 1, 1] },
          },
          toFloat('c'),
        ],
      },
      { tolerance: 1 / 250 },
    ))

  it('QLinearMatMul', () =>
    expectWholeOfOne(
      {
        input: [-1, 6],
        stored: {
          ...input,
          w: small([6, 4], 'w'),
          ws: floats(0.01),
          wz: of(INT8, [], 4),
          ys: floats(0.07),
          yz: of(UINT8, [], 101),
        },
        steps: [
          quantized,
          { op: 'QLinearMatMul', inputs: ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], output: 'c' },
          toFloat('c'),
        ],
      },
      { tolerance: 1 / 250 },
    ))

  it('weights that are dequantized are those of layers', () =>
    expectWholeOfOne({
      input: [-1, 2, 7, 5],
      stored: {
        w: bytes(INT8, [4, 2, 3, 3], -128, 'w'),
        s: floats(0.01, 0.02, 0.005, 0.015),
        b: floats(...normal([4], 'b')),
      },
      steps: [
        { op: 'DequantizeLinear', inputs: ['w', 's'], output: 'f', attributes: { axis: 0 } },
        { op: 'Conv', inputs: ['x', 'f', 'b'] },
      ],
    }))
})
