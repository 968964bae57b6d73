import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { draws } from '../../../support/breadth.ts'
import type { Step, Stored } from '../build.ts'
import { expectWhole, refusalOf, type WholeModel, wholeOf } from '../whole.ts'

const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })
const number = (value: number) => ({ shape: [], values: [value] })

const stored: Record<string, Stored> = {
  starts: whole(-1, 3),
  ends: whole(-9, 0),
  axes: whole(2, 3),
  steps: whole(-2, -1),
  'rows first': whole(1),
  'rows last': whole(3),
  zero: whole(0),
  one: whole(1),
  two: whole(2),
  pads: whole(0, 0, 2, 1, 0, 0, 0, 3),
  'negative pads': whole(0, -1, 2, -1, 0, 0, -1, 1),
  fill: number(-1.5),
  infinite: number(-Infinity),
  repeats: whole(1, 2, 3, 1),
  lengths: whole(3, 0, 4),
  row: { shape: [1, 4, 1, 3], values: Array.from({ length: 12 }, (_, i) => i / 4), whole: false },
  sizes: whole(4, 5),
  places: whole(3, 0, -1, 0),
  'even places': whole(1, 3),
  'a place': { shape: [], values: [2], whole: true },
  grid: { shape: [2, 2], values: [0, 3, -2, 1], whole: true },
  yes: { shape: [4], values: [0, 1, 0, 1], type: 9 },
}

/** Of x [N, 4, 5, 3], which samples stay apart in. */
const apart: [string, number, Step[]][] = [
  ['Slice backwards', 17, [{ op: 'Slice', inputs: ['x', 'starts', 'ends', 'axes', 'steps'] }]],
  [
    'Split, and joined in another order',
    17,
    [
      { op: 'Split', inputs: ['x', 'halves'], attributes: { axis: 1 }, outputs: ['a', 'b'] },
      { op: 'Concat', inputs: ['b', 'a', 'b'], attributes: { axis: 1 } },
    ],
  ],
  [
    'Concat with a row that is stored',
    17,
    [
      { op: 'Slice', inputs: ['x', 'zero', 'one', 'two'] },
      { op: 'Shape', inputs: ['v1'] },
      { op: 'Expand', inputs: ['row', 'v2'] },
      { op: 'Concat', inputs: ['x', 'v3'], attributes: { axis: 2 } },
    ],
  ],
  ['Pad with a value', 17, [{ op: 'Pad', inputs: ['x', 'pads', 'fill'] }]],
  ['Pad with minus infinity', 17, [{ op: 'Pad', inputs: ['x', 'pads', 'infinite'] }]],
  ['Pad that takes away, too', 17, [{ op: 'Pad', inputs: ['x', 'negative pads', 'fill'] }]],
  ['Pad by the edge', 17, [{ op: 'Pad', inputs: ['x', 'pads'], attributes: { mode: 'edge' } }]],
  ['Pad by reflection', 11, [{ op: 'Pad', inputs: ['x', 'pads reflected'], attributes: { mode: 'reflect' } }]],
  ['Pad around', 19, [{ op: 'Pad', inputs: ['x', 'pads reflected'], attributes: { mode: 'wrap' } }]],
  ['Tile', 17, [{ op: 'Tile', inputs: ['x', 'repeats'] }]],
  ['DepthToSpace', 17, [{ op: 'DepthToSpace', inputs: ['x'], attributes: { blocksize: 2 } }]],
  [
    'DepthToSpace, columns first',
    17,
    [{ op: 'DepthToSpace', inputs: ['x'], attributes: { blocksize: 2, mode: 'CRD' } }],
  ],
  [
    'SpaceToDepth and back',
    17,
    [
      { op: 'Tile', inputs: ['x', 'doubled'] },
      { op: 'SpaceToDepth', inputs: ['v1'], attributes: { blocksize: 2 } },
    ],
  ],
  ['Trilu, lower', 17, [{ op: 'Trilu', inputs: ['x', 'minus one'], attributes: { upper: 0 } }]],
  ['Trilu, upper', 17, [{ op: 'Trilu', inputs: ['x'] }]],
  ['CenterCropPad', 18, [{ op: 'CenterCropPad', inputs: ['x', 'sizes'], attributes: { axes: [2, -1] } }]],
  ['Gather of known places', 17, [{ op: 'Gather', inputs: ['x', 'places'], attributes: { axis: 1 } }]],
  [
    'Gather of places that follow each other',
    17,
    [{ op: 'Gather', inputs: ['x', 'even places'], attributes: { axis: 1 } }],
  ],
  ['Gather of one place', 17, [{ op: 'Gather', inputs: ['x', 'a place'], attributes: { axis: 2 } }]],
  ['Gather of a grid of places', 17, [{ op: 'Gather', inputs: ['x', 'grid'], attributes: { axis: 2 } }]],
  ['Compress', 17, [{ op: 'Compress', inputs: ['x', 'yes'], attributes: { axis: 1 } }]],
  [
    'queries, keys and values of one product',
    17,
    [
      { op: 'Reshape', inputs: ['x', 'thrice'] },
      { op: 'Transpose', inputs: ['v1'], attributes: { perm: [2, 0, 3, 1] } },
      { op: 'Gather', inputs: ['v2', 'a place'], attributes: { axis: 0 } },
      { op: 'Split', inputs: ['v2'], attributes: { axis: 0 }, outputs: ['q', 'k', 'v'] },
      { op: 'Squeeze', inputs: ['k', 'zero'] },
      { op: 'Sub', inputs: ['v3', 'v5'] },
    ],
  ],
]
const more: Record<string, Stored> = {
  halves: whole(1, 3),
  'pads reflected': whole(0, 0, 2, 1, 0, 0, 3, 2),
  doubled: whole(1, 1, 2, 2),
  'minus one': { shape: [], values: [-1], whole: true },
  thrice: whole(0, 4, 3, 5),
}

/** Of x [3, 4, 5], whose first axis is one like others. */
const mixing: [string, Step[], string[]?][] = [
  [
    'Concat along axis 0',
    [
      { op: 'Relu', inputs: ['x'] },
      { op: 'Concat', inputs: ['x', 'v1', 'block'], attributes: { axis: 0 } },
    ],
  ],
  ['Slice along axis 0', [{ op: 'Slice', inputs: ['x', 'one', 'nine', 'zero', 'one'] }]],
  ['Slice backwards along axis 0', [{ op: 'Slice', inputs: ['x', 'nine', 'minus nine', 'zero', 'back'] }]],
  [
    'Split along axis 0',
    [{ op: 'Split', inputs: ['x', 'sizes'], attributes: { axis: 0 }, outputs: ['y', 'z'] }],
    ['y', 'z'],
  ],
  ['Gather along axis 0', [{ op: 'Gather', inputs: ['x', 'places'], attributes: { axis: 0 } }]],
  ['Gather of one along axis 0', [{ op: 'Gather', inputs: ['x', 'a place'], attributes: { axis: 0 } }]],
  ['Pad along axis 0', [{ op: 'Pad', inputs: ['x', 'pads'], attributes: { mode: 'reflect' } }]],
  ['Tile along axis 0', [{ op: 'Tile', inputs: ['x', 'repeats'] }]],
  ['Expand by an axis', [{ op: 'Expand', inputs: ['x', 'larger'] }]],
  [
    'ReverseSequence, sequences first',
    [{ op: 'ReverseSequence', inputs: ['x', 'lengths'], attributes: { batch_axis: 0, time_axis: 1 } }],
  ],
  [
    'ReverseSequence, time first',
    [{ op: 'ReverseSequence', inputs: ['x', 'times'], attributes: { batch_axis: 1, time_axis: 0 } }],
  ],
  ['Compress of all', [{ op: 'Compress', inputs: ['x', 'yes'] }]],
]
const mixed: Record<string, Stored> = {
  nine: whole(9),
  'minus nine': whole(-9),
  back: whole(-1),
  one: whole(1),
  zero: whole(0),
  sizes: whole(1, 2),
  places: whole(2, 0, -1, 0),
  'a place': { shape: [], values: [-2], whole: true },
  pads: whole(2, 0, 1, 1, 1, 0),
  repeats: whole(2, 1, 3),
  larger: whole(2, 3, 1, 5),
  lengths: whole(3, 0, 4),
  times: whole(3, 0, 2, 1),
  yes: { shape: [7], values: [0, 1, 0, 1, 1, 0, 0], type: 9 },
  block: { shape: [2, 4, 5], values: Array.from({ length: 40 }, (_, i) => i) },
}

describe('moves as ONNX Runtime makes them', () => {
  it.each(apart)('%s (opset %i)', (_name, opset, steps) =>
    expectWhole({ inputs: { x: { shape: [-1, 4, 5, 3] } }, stored: { ...stored, ...more }, steps, opset }),
  )

  it.each(mixing)('%s', async (_name, steps, outputs) => {
    const inputs = _name === 'Expand by an axis' ? { x: { shape: [3, 1, 5] } } : { x: { shape: [3, 4, 5] } }
    await expectWhole({ inputs, stored: mixed, steps, outputs }, { batches: [3] })
  })

  it('channels last: joined, cut, padded and repeated where they lie', async () => {
    const model: WholeModel = {
      inputs: { x: { shape: [-1, 4, 5, 6] } },
      stored: { ...stored, pads: whole(0, 1, 2, 0, 0, 0, 1, 0), halves: whole(1, 3), repeats: whole(1, 2, 1, 1) },
      steps: [
        { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 2, 3, 1] } },
        { op: 'Pad', inputs: ['v1', 'pads'] },
        { op: 'Split', inputs: ['v2', 'halves'], attributes: { axis: 3 }, outputs: ['a', 'b'] },
        { op: 'Concat', inputs: ['b', 'a', 'b'], attributes: { axis: -1 } },
        { op: 'Slice', inputs: ['v4', 'one', 'rows last', 'one'] },
        { op: 'Tile', inputs: ['v5', 'repeats'] },
        { op: 'Transpose', inputs: ['v6'], attributes: { perm: [0, 3, 1, 2] } },
      ],
    }
    await expectWhole(model)
    const names = wholeOf(model, 2).graph.nodes.map(({ operator }) => operator.name)
    expect(names).toEqual(['Place', 'Slice', 'Slice', 'Concat', 'Slice', 'Resample'])
  })

  it('Pad in every mode, of any number of places', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('constant', 'edge', 'reflect', 'wrap'),
        fc.integer({ min: 2, max: 5 }),
        fc.nat(4),
        fc.nat(4),
        async (mode, size, before, after) => {
          // ONNX Runtime goes once around or back; beyond that it reads what is not there.
          const most = mode === 'reflect' ? size - 1 : mode === 'wrap' ? size : Infinity
          const [first, last] = [before, after].map((n) => Math.min(n, most))
          await expectWhole({
            inputs: { x: { shape: [-1, 2, size] } },
            stored: { pads: whole(0, 0, first, 0, 0, last) },
            steps: [{ op: 'Pad', inputs: ['x', 'pads'], attributes: { mode } }],
            opset: 19,
          })
        },
      ),
      draws(60),
    ))
})

describe('of numbers that are known, they are computed before', () => {
  it.each<[string, Step[]]>([
    ['Pad by reflection', [{ op: 'Pad', inputs: ['known', 'pads'], attributes: { mode: 'reflect' } }]],
    ['Trilu', [{ op: 'Trilu', inputs: ['known'] }]],
    ['DepthToSpace', [{ op: 'DepthToSpace', inputs: ['known4'], attributes: { blocksize: 2 } }]],
    ['MaxPool', [{ op: 'MaxPool', inputs: ['known4'], attributes: { kernel_shape: [2, 2] } }]],
    ['EyeLike', [{ op: 'EyeLike', inputs: ['known'], attributes: { k: 1, dtype: 1 } }]],
  ])('%s', async (_name, steps) => {
    const model: WholeModel = {
      inputs: { x: { shape: [-1, 1, 1, 1] } },
      stored: {
        known: { shape: [3, 4], values: [0, -1, 2, 3, 4, 5.5, 6, 7, 8, 9, 10, 11] },
        known4: { shape: [1, 4, 2, 3], values: Array.from({ length: 24 }, (_, i) => Math.sin(i)) },
        pads: whole(1, 0, 0, 2),
      },
      steps: [
        { ...steps[0], output: 'made' },
        { op: 'Add', inputs: ['made', 'x'] },
      ],
    }
    await expectWhole(model)
    expect(wholeOf(model, 2).graph.nodes.map(({ operator }) => operator.name)).toEqual(['Add'])
  })
})

it.each<[string, Step, string]>([
  ['an empty slice', { op: 'Slice', inputs: ['x', 'two', 'one', 'two'] }, 'an empty slice is not supported'],
  [
    'a mode of Pad',
    { op: 'Pad', inputs: ['x', 'pads'], attributes: { mode: 'other' } },
    'expected the mode constant, reflect, edge, wrap, found other',
  ],
  ['too few pads', { op: 'Pad', inputs: ['x', 'two'] }, 'expected two pads for each of 4 axes, found [2]'],
  ['too few repeats', { op: 'Tile', inputs: ['x', 'two'] }, 'expected 4 numbers of repeats of at least 1, found [2]'],
  [
    'blocks of channels',
    { op: 'DepthToSpace', inputs: ['x'], attributes: { blocksize: 3 } },
    '4 channels are no blocks of 3 x 3',
  ],
  [
    'blocks of pixels',
    { op: 'SpaceToDepth', inputs: ['x'], attributes: { blocksize: 2 } },
    '[1,4,5,3] is not made of blocks of 2 x 2',
  ],
  [
    'an order of DepthToSpace',
    { op: 'DepthToSpace', inputs: ['x'], attributes: { blocksize: 2, mode: 'X' } },
    'the mode X is not known',
  ],
  [
    'a place that is not there',
    { op: 'Gather', inputs: ['x', 'rows last'], attributes: { axis: 3 } },
    'expected an axis of 3, found 3',
  ],
  [
    'lengths of sequences',
    { op: 'ReverseSequence', inputs: ['x', 'two'] },
    'expected 4 lengths of at most 1, found [2]',
  ],
])('refused by a sentence: %s', (_what, step, text) => {
  expect(refusalOf({ inputs: { x: { shape: [1, 4, 5, 3] } }, stored, steps: [step] })).toContain(text)
})
