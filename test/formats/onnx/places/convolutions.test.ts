import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../../src/formats/onnx/onnx.ts'
import { prunableParameters } from '../../../../src/graph/graph.ts'
import { multiplications } from '../../../../src/graph/multiplications.ts'
import { SparseModel } from '../../../../src/infer/sparse-model.ts'
import { draws } from '../../../support/breadth.ts'
import { best, wasm } from '../../../support/engines.ts'
import type { Attribute } from '../build.ts'
import { farthest } from '../images.ts'
import { normal } from '../same.ts'
import { expectWhole, parametersWithGradients, refusalOf, type WholeModel, wholeBytes, wholeOf } from '../whole.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const upTo = (most: number, length: number) => fc.array(fc.nat(most), { minLength: length, maxLength: length })
const from = (least: number, most: number, length: number) =>
  fc.array(fc.integer({ min: least, max: most }), { minLength: length, maxLength: length })

/** A layer over one axis to three, of everything that may differ along each. */
const layers = fc.integer({ min: 1, max: 3 }).chain((axes) =>
  fc.record({
    places: from(2, 5, axes),
    kernel: from(1, 3, axes),
    strides: from(1, 3, axes),
    dilations: from(1, 2, axes),
    begins: upTo(1, axes),
    ends: upTo(1, axes),
    group: fc.constantFrom(1, 2),
    bias: fc.boolean(),
  }),
)
type Layer = typeof layers extends fc.Arbitrary<infer T> ? T : never

function modelOf(op: string, p: Layer, weight: readonly number[], more: Record<string, Attribute>): WholeModel {
  const outputs = op === 'Conv' ? weight[0] : weight[1] * p.group
  return {
    inputs: { x: { shape: [-1, 2 * p.group, ...p.places] } },
    stored: { w: floats(weight, 'w'), ...(p.bias && { b: floats([outputs], 'b') }) },
    steps: [
      {
        op,
        inputs: ['x', 'w', ...(p.bias ? ['b'] : [])],
        attributes: { group: p.group, strides: p.strides, dilations: p.dilations, ...more },
      },
    ],
  }
}

const reach = (p: Layer) => p.kernel.map((taps, i) => p.dilations[i] * (taps - 1) + 1)

describe('convolutions over one axis to three', () => {
  it('Conv', () =>
    fc.assert(
      fc.asyncProperty(layers, async (p) => {
        const places = p.places.map((n, i) => Math.max(n, reach(p)[i]))
        const pads = [...p.begins, ...p.ends]
        await expectWhole(modelOf('Conv', { ...p, places }, [3 * p.group, 2, ...p.kernel], { pads }))
      }),
      draws(100),
    ))

  it('Conv with every auto_pad, over three axes', () =>
    fc.assert(
      fc.asyncProperty(layers, fc.constantFrom('VALID', 'SAME_UPPER', 'SAME_LOWER'), async (p, auto) => {
        const dilations = p.kernel.map(() => 1)
        const kernel = p.kernel.map((taps, i) => Math.min(taps, p.places[i]))
        const strides = p.strides.map((stride, i) => Math.min(stride, kernel[i]))
        const layer = { ...p, dilations, strides, kernel }
        await expectWhole(modelOf('Conv', layer, [3 * p.group, 2, ...kernel], { auto_pad: auto }))
      }),
      draws(40),
    ))

  it('ConvTranspose with pads and output_padding', () =>
    fc.assert(
      fc.asyncProperty(layers, fc.nat(2), async (p, more) => {
        // ONNX Runtime takes less than the stride, though a dilation may allow for more.
        const output_padding = p.strides.map((stride) => Math.min(more, stride - 1))
        const size = (i: number) => p.strides[i] * (p.places[i] - 1) + output_padding[i] + reach(p)[i]
        fc.pre(p.places.every((_, i) => size(i) > p.begins[i] + p.ends[i]))
        const pads = [...p.begins, ...p.ends]
        await expectWhole(modelOf('ConvTranspose', p, [2 * p.group, 3, ...p.kernel], { pads, output_padding }))
      }),
      draws(150),
    ))

  it('ConvTranspose to an output_shape, and with auto_pad', () =>
    fc.assert(
      fc.asyncProperty(
        layers,
        fc.nat(3),
        fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER'),
        async (p, less, auto) => {
          const whole = p.places.map((n, i) => p.strides[i] * (n - 1) + reach(p)[i])
          const output_shape = whole.map((n) => Math.max(1, n - less))
          await expectWhole(
            modelOf('ConvTranspose', p, [2 * p.group, 3, ...p.kernel], { output_shape, auto_pad: auto }),
          )
        },
      ),
      draws(80),
    ))

  it('weights that nodes compute, of one sample', async () => {
    const model: WholeModel = {
      inputs: { x: { shape: [1, 2, 5, 6] }, w: { shape: [3, 2, 2, 3] }, b: { shape: [3] } },
      steps: [
        { op: 'Neg', inputs: ['w'] },
        { op: 'Conv', inputs: ['x', 'v1', 'b'] },
      ],
    }
    await expectWhole(model, { batches: [1] })
    const open = { ...model, inputs: { ...model.inputs, x: { shape: [-1, 2, 5, 6] } } }
    expect(() => wholeOf(open, 3)).toThrow('node y (Conv): its weight is computed, of all samples of a batch together')
  })
})

describe('layers of three axes and transposed ones are pruned like others', () => {
  const network: WholeModel = {
    inputs: { x: { shape: [-1, 2, 3, 5, 4] } },
    stored: {
      w1: floats([4, 2, 2, 3, 3], 'w1'),
      b1: floats([4], 'b1'),
      w2: floats([4, 3, 2, 2, 3], 'w2'),
      shape: { shape: [4], values: [0, 9, 10, 12], whole: true },
      w3: floats([9, 2, 3, 3], 'w3'),
      b3: floats([2], 'b3'),
      w4: floats([2, 1, 2, 2], 'w4'),
    },
    steps: [
      { op: 'Conv', inputs: ['x', 'w1', 'b1'], attributes: { pads: [1, 1, 1, 0, 1, 1] } },
      { op: 'Relu', inputs: ['v1'] },
      { op: 'ConvTranspose', inputs: ['v2', 'w2'], attributes: { strides: [1, 2, 2] } },
      { op: 'Reshape', inputs: ['v3', 'shape'] },
      { op: 'ConvTranspose', inputs: ['v4', 'w3', 'b3'], attributes: { strides: [2, 2], pads: [1, 1, 0, 0] } },
      { op: 'ConvTranspose', inputs: ['v5', 'w4'], attributes: { group: 2 } },
    ],
  }

  it('their weights are parameters of four axes, as they lie in the file, with gradients', async () => {
    const model = { ...network, stored: { ...network.stored } }
    await expectWhole(model)
    const { graph, values } = wholeOf(model, 2)
    const names = ['w1', 'w2', 'w3', 'w4']
    expect(prunableParameters(graph).map(({ name, shape }) => [name, shape])).toEqual([
      ['w1', [4, 4, 3, 3]],
      ['w2', [4, 6, 2, 3]],
      ['w3', [9, 2, 3, 3]],
      ['w4', [2, 1, 2, 2]],
    ])
    for (const name of names) expect([...values.get(name)!]).toEqual(model.stored[name as 'w1'].values.map(Math.fround))
    expect(parametersWithGradients(model).sort()).toEqual(['b1', 'b3', ...names].sort())
  })

  it('a transposed layer multiplies each weight at every place of its input', () => {
    const model: WholeModel = {
      inputs: { x: { shape: [-1, 3, 4, 5] } },
      stored: { w: floats([3, 2, 3, 3], 'w') },
      steps: [{ op: 'ConvTranspose', inputs: ['x', 'w'], attributes: { strides: [3, 3] } }],
    }
    expect(multiplications(wholeOf(model, 7).graph).get('w')).toBe(3 * 2 * 9 * 4 * 5)
  })

  it.each([1, 3, 16, 17])('kernels that skip zeros give the same, %i samples', (batch) => {
    const bytes = wholeBytes(network)
    const zeros = readOnnx(bytes, 'm.onnx')
    const images = Float32Array.from(normal([batch, 2 * 3 * 5 * 4], 'x'))
    const results = (['dense', 'sparse'] as const).flatMap((kernels) =>
      [best, wasm].map((machine) => new SparseModel(zeros, { kernels, machine }).run(images)),
    )
    for (const result of results) expect(farthest(result, results[0])).toBeLessThan(1e-5)
  })
})

describe('what does not fit is refused by a sentence', () => {
  const model = (op: string, attributes: Record<string, Attribute>, shape: readonly number[] = [1, 2, 4, 4]) => ({
    inputs: { x: { shape } },
    stored: { w: floats([2, 3, 2, 2], 'w'), w4: floats([2, 2, 1, 1, 1, 1], 'w4'), other: floats([3, 2, 2, 2], 'o') },
    steps: [{ op, inputs: ['x', attributes.w4 ? 'w4' : attributes.other ? 'other' : 'w'], attributes }],
  })
  it.each<[string, WholeModel, string]>([
    [
      'four axes',
      { ...model('Conv', {}, [1, 2, 3, 3, 3, 3]), steps: [{ op: 'Conv', inputs: ['x', 'w4'] }] },
      'expected windows over one to 3 axes',
    ],
    [
      'output_padding below 0',
      model('ConvTranspose', { output_padding: [-1, 0] }),
      'expected 2 output_padding of at least 0, found [-1,0]',
    ],
    [
      'pads beside auto_pad',
      model('ConvTranspose', { auto_pad: 'SAME_UPPER', pads: [1, 0, 0, 0] }),
      'both auto_pad SAME_UPPER and pads',
    ],
    [
      'pads beyond the result',
      model('ConvTranspose', { pads: [3, 3, 3, 3] }),
      'its result would have the places [-1,-1]',
    ],
    [
      'other channels',
      { ...model('ConvTranspose', {}), steps: [{ op: 'ConvTranspose', inputs: ['x', 'other'] }] },
      'its weight [3,2,2,2] does not fit [1,2,4,4]',
    ],
  ])('%s', (_what, given, text) => {
    expect(refusalOf(given)).toContain(text)
  })
})
