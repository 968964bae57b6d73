import { TensorProto_DataType as DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { prunableParameters } from '../../../../src/graph/graph.ts'
import { random } from '../../../../src/util/random.ts'
import type { Step } from '../build.ts'
import { normal } from '../same.ts'
import { expectWhole, type GivenInput, parametersWithGradients, refusalOf, type WholeModel, wholeOf } from '../whole.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })

/** Indices of so many places, some counted from the end. */
const index = (shape: readonly number[], places: number, negative = true): GivenInput => ({
  shape,
  type: DataType.INT64,
  values: (count) => {
    const rng = random(4, `${shape}`)
    return Array.from({ length: count }, () => rng.below(places) - (negative && rng.below(3) === 0 ? places : 0))
  },
})
/** Indices along an axis, each once for every other place. */
const distinct = (shape: readonly number[], axis: number, places: number): GivenInput => ({
  shape,
  type: DataType.INT64,
  values: (count) => {
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
    return Array.from({ length: count }, (_, i) => (Math.floor(i / inner) * 3 + (i % inner)) % places)
  },
})

const open = (...shape: number[]): GivenInput => ({ shape: [-1, ...shape] })
const step = (op: string, inputs: string[], attributes: Step['attributes'] = {}): Step[] => [{ op, inputs, attributes }]

const computed: [string, WholeModel, number[]?][] = [
  [
    'Gather of rows of a stored table: an embedding',
    { inputs: { i: index([-1, 4], 7) }, stored: { table: floats([7, 5], 't') }, steps: step('Gather', ['table', 'i']) },
  ],
  [
    'Gather along another axis',
    { inputs: { x: open(5, 3), i: index([2, 2], 5) }, steps: step('Gather', ['x', 'i'], { axis: 1 }) },
  ],
  [
    'Gather of one place',
    { inputs: { x: open(5, 3), i: index([], 3) }, steps: step('Gather', ['x', 'i'], { axis: -1 }) },
  ],
  [
    'Gather along axis 0',
    { inputs: { x: { shape: [4, 3] }, i: index([6], 4) }, steps: step('Gather', ['x', 'i']) },
    [4],
  ],
  [
    'GatherElements',
    { inputs: { x: open(5, 3), i: index([-1, 4, 3], 5) }, steps: step('GatherElements', ['x', 'i'], { axis: 1 }) },
  ],
  [
    'GatherElements of fewer rows and columns',
    {
      inputs: { x: { shape: [4, 5, 3] }, i: index([2, 4, 1], 5) },
      steps: step('GatherElements', ['x', 'i'], { axis: 1 }),
    },
    [4],
  ],
  [
    'GatherElements of a list',
    { inputs: { x: { shape: [6] }, i: index([4], 6) }, steps: step('GatherElements', ['x', 'i']) },
    [6],
  ],
  [
    'GatherND of elements and of rows',
    { inputs: { x: { shape: [3, 4, 5] }, i: index([2, 6, 2], 3) }, steps: step('GatherND', ['x', 'i']) },
    [3],
  ],
  [
    'GatherND for each sample',
    { inputs: { x: open(4, 5, 2), i: index([-1, 6, 2], 4) }, steps: step('GatherND', ['x', 'i'], { batch_dims: 1 }) },
  ],
  [
    'ScatterElements',
    {
      inputs: { x: open(5, 3), i: distinct([-1, 2, 3], 1, 5), u: open(2, 3) },
      steps: step('ScatterElements', ['x', 'i', 'u'], { axis: 1 }),
    },
  ],
  [
    'Scatter, as it was called before opset 11',
    {
      inputs: { x: open(5, 3), i: distinct([-1, 2, 3], 1, 5), u: open(2, 3) },
      steps: step('Scatter', ['x', 'i', 'u'], { axis: 1 }),
      opset: 10,
    },
  ],
  [
    'ScatterElements of fewer rows and columns',
    {
      inputs: { x: { shape: [4, 5, 3] }, i: distinct([2, 3, 1], 1, 5), u: { shape: [2, 3, 1] } },
      steps: step('ScatterElements', ['x', 'i', 'u'], { axis: 1 }),
    },
    [4],
  ],
  ...(['add', 'mul', 'max', 'min'] as const).flatMap((reduction): [string, WholeModel, number[]?][] => [
    [
      `ScatterElements by ${reduction}`,
      {
        inputs: { x: open(3, 4), i: index([-1, 5, 4], 3), u: open(5, 4) },
        steps: step('ScatterElements', ['x', 'i', 'u'], { axis: 1, reduction }),
        opset: 18,
      },
    ],
    [
      `ScatterND by ${reduction}`,
      {
        inputs: { x: { shape: [3, 4, 2] }, i: index([7, 2], 3, false), u: { shape: [7, 2] } },
        steps: step('ScatterND', ['x', 'i', 'u'], { reduction }),
        opset: 18,
      },
      [3],
    ],
  ]),
  [
    'ScatterND of rows',
    {
      inputs: { x: { shape: [5, 4, 2] }, i: distinct([3, 1], 0, 5), u: { shape: [3, 4, 2] } },
      steps: step('ScatterND', ['x', 'i', 'u']),
    },
    [5],
  ],
  ...[-1, 0, 1].map((axis): [string, WholeModel, number[]?] => [
    `OneHot along ${axis}`,
    {
      inputs: { i: { ...index([-1, 3], 8), values: (count) => Array.from({ length: count }, (_, i) => (i % 11) - 5) } },
      stored: { depth: whole(4), values: { shape: [2], values: [-0.3, 2.7] } },
      steps: step('OneHot', ['i', 'depth', 'values'], { axis }),
    },
    axis === 0 ? [1] : undefined,
  ]),
  ...[0, 1].map((largest): [string, WholeModel, number[]?] => [
    `TopK, largest ${largest}, of values that are often equal`,
    {
      inputs: {
        x: { shape: [-1, 9, 2], values: (count) => Array.from({ length: count }, (_, i) => ((i * 7) % 5) - 2) },
      },
      stored: { k: whole(4) },
      steps: [{ op: 'TopK', inputs: ['x', 'k'], attributes: { axis: 1, largest }, outputs: ['y', 'z'] }],
      outputs: ['y', 'z'],
    },
  ]),
  [
    'TopK along axis 0, before opset 10',
    {
      inputs: { x: { shape: [7, 3] } },
      steps: [{ op: 'TopK', inputs: ['x'], attributes: { axis: 0, k: 3 }, outputs: ['y', 'z'] }],
      outputs: ['y', 'z'],
      opset: 9,
    },
    [7],
  ],
  [
    'the places of the largest, and what is there',
    {
      inputs: { x: open(9, 4) },
      stored: { k: whole(3) },
      steps: [
        { op: 'TopK', inputs: ['x', 'k'], attributes: { axis: 1 }, outputs: ['v', 'i'] },
        { op: 'GatherElements', inputs: ['x', 'i'], attributes: { axis: 1 } },
      ],
    },
  ],
]

describe('computed indices, as ONNX Runtime takes them', () => {
  it.each(computed)('%s', (_name, model, batches) => expectWhole(model, { batches }))
})

describe('an embedding', () => {
  const model: WholeModel = {
    inputs: { i: index([-1, 4], 7) },
    stored: { table: floats([7, 5], 't'), w: floats([5, 3], 'w') },
    steps: [
      { op: 'Gather', inputs: ['table', 'i'] },
      { op: 'MatMul', inputs: ['v1', 'w'] },
    ],
  }

  it('is a parameter that has a gradient, and is not pruned', async () => {
    await expectWhole(model)
    const { graph } = wholeOf(model, 3)
    expect(graph.withRole('parameter').map(({ name }) => name)).toEqual(['table', 'w'])
    expect(prunableParameters(graph).map(({ name }) => name)).toEqual(['w'])
    expect(parametersWithGradients(model)).toEqual(['table', 'w'])
  })

  it('keeps samples apart: a file for one sample runs on more of them at once', () => {
    const fixed = { ...model, inputs: { i: index([1, 4], 7) } }
    expect(() => wholeOf(fixed, 3)).not.toThrow()
  })
})

it.each<[string, WholeModel, string]>([
  [
    'a reduction',
    {
      inputs: { x: { shape: [1, 3] }, i: index([1, 3], 1), u: { shape: [1, 3] } },
      steps: step('ScatterElements', ['x', 'i', 'u'], { reduction: 'mean' }),
      opset: 18,
    },
    'the reduction mean is not known',
  ],
  [
    'indices that do not lie in the operand',
    {
      inputs: { x: { shape: [1, 3] }, i: index([1, 3, 1], 1) },
      steps: step('GatherElements', ['x', 'i']),
    },
    'its indices [1,3,1] do not lie in [1,3]',
  ],
  [
    'more than there are',
    { inputs: { x: { shape: [1, 3] } }, stored: { k: whole(4) }, steps: step('TopK', ['x', 'k']) },
    'expected a k of 1 to 3, found 4',
  ],
  [
    'a number that is computed',
    { inputs: { x: { shape: [1, 3] }, k: index([1], 3) }, steps: step('TopK', ['x', 'k']) },
    'its k is computed while the network runs',
  ],
  [
    'indices that are too long',
    { inputs: { x: { shape: [1, 3] }, i: index([2, 3], 1) }, steps: step('GatherND', ['x', 'i']) },
    'its indices [2,3] are too long for [1,3]',
  ],
])('refused by a sentence: %s', (_what, model, text) => {
  expect(refusalOf(model)).toContain(text)
})
