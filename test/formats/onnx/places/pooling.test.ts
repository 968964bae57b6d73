import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Attribute } from '../build.ts'
import { expectWhole, refusalOf, type WholeModel } from '../whole.ts'

const ints = (least: number, most: number, length: number) =>
  fc.array(fc.integer({ min: least, max: most }), { minLength: length, maxLength: length })

const windows = fc.integer({ min: 1, max: 3 }).chain((axes) =>
  fc.record({
    places: ints(5, 7, axes),
    kernel: ints(1, 3, axes),
    strides: ints(1, 3, axes),
    dilations: ints(1, 2, axes),
    begins: ints(0, 1, axes),
    ends: ints(0, 1, axes),
    ceil: fc.boolean(),
  }),
)
type Windows = typeof windows extends fc.Arbitrary<infer T> ? T : never

const model = (op: string, p: Windows, more: Record<string, Attribute>, opset = 19): WholeModel => ({
  inputs: { x: { shape: [-1, 2, ...p.places] } },
  steps: [
    {
      op,
      inputs: ['x'],
      attributes: {
        kernel_shape: p.kernel,
        // ONNX Runtime wants less padding than the window.
        pads: [...p.begins, ...p.ends].map((pad, i) => Math.min(pad, p.kernel[i % p.kernel.length] - 1)),
        strides: p.strides.map((stride, i) => Math.min(stride, p.kernel[i])),
        ...more,
      },
    },
  ],
  opset,
})

const property = (make: (p: Windows) => WholeModel, numRuns = 80) =>
  fc.assert(
    fc.asyncProperty(windows, (p) => expectWhole(make(p))),
    { numRuns },
  )

describe('pooling over one axis to three, as ONNX Runtime computes it', () => {
  it('MaxPool with dilations and ceil_mode', () =>
    property((p) => model('MaxPool', p, { dilations: p.dilations, ceil_mode: Number(p.ceil) }), 120))

  it.each([0, 1])('AveragePool, count_include_pad %i', (count) =>
    property((p) => model('AveragePool', p, { count_include_pad: count, ceil_mode: Number(p.ceil) })),
  )

  it.each([0, 1])('AveragePool with dilations, count_include_pad %i', (count) =>
    property((p) => model('AveragePool', p, { count_include_pad: count, dilations: p.dilations })),
  )

  it.each([1, 2])('LpPool, p %i', (norm) =>
    property((p) => model('LpPool', p, { p: norm, dilations: p.dilations }, 18)),
  )

  it.each(['SAME_UPPER', 'SAME_LOWER', 'VALID'])('with auto_pad %s', (auto) =>
    property((p) => {
      const { steps, ...rest } = model(p.ceil ? 'MaxPool' : 'AveragePool', p, { auto_pad: auto })
      const { pads: _, ...attributes } = steps[0].attributes!
      return { ...rest, steps: [{ ...steps[0], attributes }] }
    }, 40),
  )

  it.each([
    ['GlobalMaxPool', {}],
    ['GlobalAveragePool', {}],
    ['GlobalLpPool', { p: 1 }],
    ['GlobalLpPool', { p: 2 }],
  ])('%s %o', async (op, attributes) => {
    for (const shape of [
      [-1, 3, 7],
      [-1, 3, 4, 5],
      [-1, 3, 2, 4, 3],
    ])
      await expectWhole({ inputs: { x: { shape } }, steps: [{ op, inputs: ['x'], attributes }] })
  })
})

it.each<[string, WholeModel, string]>([
  [
    'no places',
    { inputs: { x: { shape: [1, 3] } }, steps: [{ op: 'GlobalMaxPool', inputs: ['x'] }] },
    'expected [N, C, ...], found [1,3]',
  ],
  [
    'another norm',
    {
      inputs: { x: { shape: [2, 3, 4] } },
      steps: [{ op: 'LpPool', inputs: ['x'], attributes: { kernel_shape: [2], p: 3 } }],
    },
    'expected a norm of p 1 or 2, found 3',
  ],
  [
    'windows that are too large',
    {
      inputs: { x: { shape: [1, 3, 4] } },
      steps: [{ op: 'MaxPool', inputs: ['x'], attributes: { kernel_shape: [3], dilations: [2] } }],
    },
    'its windows reach over [5] places, more than the [4] that there are with padding',
  ],
  [
    'windows of other axes',
    {
      inputs: { x: { shape: [2, 3, 4] } },
      steps: [{ op: 'MaxPool', inputs: ['x'], attributes: { kernel_shape: [2, 2] } }],
    },
    'expected windows over one to 3 axes, found windows of [2,2] over [4]',
  ],
])('refused by a sentence: %s', (_what, given, text) => {
  expect(refusalOf(given)).toContain(text)
})
