import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { draws } from '../../../support/breadth.ts'
import type { Attribute } from '../build.ts'
import { expectWhole, refusalOf, type WholeModel, wholeOf } from '../whole.ts'

const coordinates = [
  'half_pixel',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'half_pixel_symmetric',
  'tf_crop_and_resize',
]
const nearest = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']
const side = fc.integer({ min: 1, max: 7 })
const floats = (...values: number[]) => ({ shape: [values.length], values })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })
const noRoi = { shape: [0], values: [] }

interface Drawn {
  mode: string
  how: string
  rounding: string
  from: [number, number]
  to: [number, number]
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    mode: fc.constantFrom('nearest', 'linear', 'cubic'),
    how: fc.constantFrom(...coordinates),
    rounding: fc.constantFrom(...nearest),
    from: fc.tuple(side, side),
    to: fc.tuple(side, side),
  })
  // ONNX Runtime takes no part of an axis whose size stays.
  .filter(({ how, from, to }) => how !== 'tf_crop_and_resize' || from.every((n, i) => n !== to[i]))
  // Its coordinates have other last digits, which decide where a whole number is rounded down.
  .filter(({ how, mode }) => how !== 'half_pixel_symmetric' || mode !== 'nearest')

/** To sizes, of the last two axes. */
const resizeTo = ({ mode, how, rounding, from, to }: Drawn, more: Record<string, Attribute> = {}): WholeModel => ({
  inputs: { x: { shape: [-1, 2, ...from] } },
  stored: { roi: floats(0, 0, 0.125, -0.25, 1, 1, 0.75, 1.5), sizes: whole(1, 2, ...to), none: noRoi },
  steps: [
    { op: 'Shape', inputs: ['x'], attributes: { start: 0, end: 2 } },
    { op: 'Slice', inputs: ['sizes', 'two', 'four', 'zero'] },
    { op: 'Concat', inputs: ['v1', 'v2'], attributes: { axis: 0 } },
    {
      op: 'Resize',
      inputs: ['x', how === 'tf_crop_and_resize' ? 'roi' : 'none', 'none', 'v3'],
      attributes: { mode, coordinate_transformation_mode: how, nearest_mode: rounding, ...more },
    },
  ],
  opset: 19,
})
const places = { two: whole(2), four: whole(4), zero: whole(0) }
const withPlaces = (model: WholeModel): WholeModel => ({ ...model, stored: { ...model.stored, ...places } })

describe('Resize as ONNX Runtime computes it', () => {
  it('to sizes, in every mode, by every transformation of coordinates', () =>
    fc.assert(
      fc.asyncProperty(drawn, fc.boolean(), async (model, exclude) => {
        const more = {
          extrapolation_value: { float: -1.5 },
          exclude_outside: Number(exclude && model.mode === 'cubic'),
        }
        await expectWhole(withPlaces(resizeTo(model, more)))
      }),
      draws(150),
    ))

  it.each([11, 13, 18, 19])('by scales, opset %i', (opset) =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('nearest', 'linear', 'cubic'),
        fc.constantFrom('half_pixel', 'asymmetric', 'pytorch_half_pixel'),
        fc.constantFrom([2, 2], [0.5, 3], [1.7, 0.6], [1, 1.25]),
        async (mode, how, scales) => {
          const attributes = { mode, coordinate_transformation_mode: how, cubic_coeff_a: { float: -0.5 } }
          await expectWhole({
            inputs: { x: { shape: [-1, 2, 5, 6] } },
            stored: { none: noRoi, scales: floats(1, 1, ...scales) },
            steps: [{ op: 'Resize', inputs: ['x', 'none', 'scales'], attributes }],
            opset,
          })
        },
      ),
      draws(20),
    ),
  )

  it.each([
    ['one axis', [-1, 3, 6], floats(1, 1, 1.5), 'linear'],
    ['three axes', [-1, 2, 3, 4, 3], floats(1, 1, 2, 0.5, 1.5), 'linear'],
    ['three axes, nearest', [-1, 2, 3, 4, 3], floats(1, 1, 2, 0.5, 1.5), 'nearest'],
    ['channels too', [-1, 4, 3, 4], floats(1, 0.5, 2, 1), 'nearest'],
  ] as const)('of %s', (_name, shape, scales, mode) =>
    expectWhole({
      inputs: { x: { shape } },
      stored: { none: noRoi, scales },
      steps: [{ op: 'Resize', inputs: ['x', 'none', 'scales'], attributes: { mode } }],
    }),
  )

  it.each([
    ['stretch', undefined],
    ['not_larger', undefined],
    ['not_smaller', undefined],
  ])('some axes, with the policy %s', (policy) =>
    expectWhole({
      inputs: { x: { shape: [-1, 2, 5, 8] } },
      stored: { sizes: whole(7, 7) },
      steps: [
        {
          op: 'Resize',
          inputs: ['x', '', '', 'sizes'],
          attributes: { axes: [2, 3], keep_aspect_ratio_policy: policy, mode: 'linear' },
        },
      ],
      opset: 18,
    }),
  )

  it.each(['linear', 'cubic'])('narrower with antialias, %s', (mode) =>
    expectWhole({
      inputs: { x: { shape: [-1, 2, 9, 8] } },
      stored: { sizes: whole(4, 5) },
      steps: [
        {
          op: 'Resize',
          inputs: ['x', '', '', 'sizes'],
          attributes: { axes: [2, 3], mode, antialias: 1, exclude_outside: 1 },
        },
      ],
      opset: 18,
    }),
  )

  it('before there were choices: Resize 10, Upsample 9 and 7', async () => {
    for (const mode of ['nearest', 'linear'])
      for (const scales of [
        [2, 3],
        [1.5, 1.25],
        [0.5, 0.6],
      ])
        await expectWhole({
          inputs: { x: { shape: [-1, 2, 5, 4] } },
          stored: { scales: floats(1, 1, ...scales) },
          steps: [{ op: 'Resize', inputs: ['x', 'scales'], attributes: { mode } }],
          opset: 10,
        })
    for (const mode of ['nearest', 'linear']) {
      const input = { x: { shape: [-1, 2, 3, 4] } }
      await expectWhole({
        inputs: input,
        stored: { scales: floats(1, 1, 2, 3) },
        steps: [{ op: 'Upsample', inputs: ['x', 'scales'], attributes: { mode } }],
        opset: 9,
      })
      await expectWhole({
        inputs: input,
        steps: [{ op: 'Upsample', inputs: ['x'], attributes: { mode, scales: { floats: [1, 1, 2, 3] } } }],
        opset: 8,
      })
    }
  })

  it('channels last: the transposes around it cancel', async () => {
    const model: WholeModel = {
      inputs: { x: { shape: [-1, 4, 5, 6] } },
      stored: { none: noRoi, scales: floats(1, 2, 1.5, 1) },
      steps: [
        { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 2, 3, 1] } },
        { op: 'Resize', inputs: ['v1', 'none', 'scales'], attributes: { mode: 'linear' } },
        { op: 'Transpose', inputs: ['v2'], attributes: { perm: [0, 3, 1, 2] } },
      ],
    }
    // ONNX Runtime does not scale the axes in the middle of four linearly.
    await expectWhole({ ...model, steps: model.steps.with(1, { ...model.steps[1], attributes: { mode: 'nearest' } }) })
    expect(wholeOf(model, 2).graph.nodes.map(({ operator }) => operator.name)).toEqual(['Resample', 'Resample'])
  })
})

it('antialias takes in the edge for what is outside, as the specification has it', async () => {
  // The example of ONNX's documentation, which ONNX Runtime computes otherwise.
  const { graph } = wholeOf(
    {
      inputs: { x: { shape: [1, 1, 4, 4] } },
      stored: { none: noRoi, scales: floats(1, 1, 0.6, 0.6) },
      steps: [{ op: 'Resize', inputs: ['x', 'none', 'scales'], attributes: { mode: 'linear', antialias: 1 } }],
      opset: 18,
    },
    1,
  )
  const tables = graph.nodes.map(({ attributes }) => attributes as Record<string, number[]>)
  const line = (at: number) => {
    const { starts, places, weights } = tables[0]
    return places.slice(starts[at], starts[at + 1]).reduce((sum, p, i) => sum + p * weights[starts[at] + i], 0)
  }
  // 1 + column + 4 row of [1, 2, ..., 16] gives 2.875, 4.5, 9.375 and 11.
  expect(1 + 5 * line(0)).toBeCloseTo(2.875, 5)
  expect(1 + 5 * line(1)).toBeCloseTo(11, 5)
})

describe('what is not known is refused by a sentence', () => {
  const model = (attributes: Record<string, Attribute>, inputs = ['x', '', 'scales']): WholeModel => ({
    inputs: { x: { shape: [1, 2, 4, 4] } },
    stored: {
      scales: floats(1, 1, 2, 2),
      sizes: whole(1, 2, 8, 8),
      few: floats(1, 2),
      nothing: floats(1, 1, 0.1, 0.1),
    },
    steps: [{ op: 'Resize', inputs, attributes }],
    opset: 18,
  })
  it.each<[Record<string, Attribute>, string[] | undefined, string]>([
    [{ mode: 'spline' }, undefined, 'expected the mode nearest, linear or cubic, found spline'],
    [{ coordinate_transformation_mode: 'other' }, undefined, 'the coordinate_transformation_mode other is not known'],
    [{ nearest_mode: 'up' }, undefined, 'the nearest_mode up is not known'],
    [{ keep_aspect_ratio_policy: 'some' }, ['x', '', '', 'sizes'], 'the keep_aspect_ratio_policy some is not known'],
    [{}, ['x'], 'expected either scales or sizes, found neither'],
    [{}, ['x', '', 'scales', 'sizes'], 'expected either scales or sizes, found both'],
    [{}, ['x', '', 'few'], 'expected 4 scales above 0, found [1,2]'],
    [{}, ['x', '', 'nothing'], 'a result without elements is not supported'],
  ])('%o of %s', (attributes, inputs, text) => {
    expect(refusalOf(model(attributes, inputs))).toContain(`model.onnx: node y (Resize): ${text}`)
  })
})
