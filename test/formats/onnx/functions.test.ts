import { TensorProto_DataType as DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { type Attribute, type Step, type Stored, written } from './build.ts'
import { normal } from './same.ts'
import { expectWholeOfOne } from './whole-of-one.ts'

const floats = (shape: readonly number[], seed: string): Stored => ({ shape, values: normal(shape, seed) })
const number = (value: number): Stored => ({ shape: [], values: [value] })
const list = (...values: number[]): Stored => ({ shape: [values.length], values })

/** [N, 2, 5, 7]: no size is that of another axis. */
const IMAGE = [-1, 2, 5, 7]

const stored: Record<string, Stored> = {
  half: number(0.5),
  two: number(2),
  three: number(3),
  third: number(1 / 3),
  low: number(-0.4),
  perChannel: floats([2, 1, 1], 'channel'),
  perColumn: floats([7], 'column'),
  perPlace: floats([5, 7], 'place'),
  whole: floats([1, 2, 5, 7], 'whole'),
  huge: list(3e38, -3e38, Infinity, -Infinity, Number.NaN, 0, 1),
  mask: { shape: [5, 7], values: Array.from({ length: 35 }, (_, i) => Number(i % 3 === 0)), type: DataType.BOOL },
  axis1: { shape: [], values: [1], whole: true },
  axis0: { shape: [1], values: [0], whole: true },
  axes13: { shape: [2], values: [1, -1], whole: true },
}

/** What the steps read of what is stored. */
const read = (steps: readonly Step[]) => {
  const names = new Set(steps.flatMap(({ inputs }) => inputs))
  return Object.fromEntries(Object.entries(stored).filter(([name]) => names.has(name)))
}

const CHANNELS_LAST: Step = { op: 'Transpose', inputs: ['x'], output: 'turned', attributes: { perm: [0, 2, 3, 1] } }

const toFloat = (input: string): Step => ({ op: 'Cast', inputs: [input], attributes: { to: DataType.FLOAT } })

/** x above a half as e^x, so that roots and logarithms are numbers. */
const positive: Step[] = [
  { op: 'Exp', inputs: ['x'], output: 'exp' },
  { op: 'Add', inputs: ['exp', 'half'], output: 'p' },
]
/** x between -1 and 1. */
const bounded: Step = { op: 'Tanh', inputs: ['x'], output: 't' }

const alpha = (value: number): Record<string, Attribute> => ({ alpha: { float: value } })

describe('functions of one number', () => {
  it.each([
    'Exp',
    'Tanh',
    'Erf',
    'Sin',
    'Cos',
    'Tan',
    'Sinh',
    'Cosh',
    'Asinh',
    'Atan',
    'Floor',
    'Ceil',
    'Round',
    'Sign',
  ])('%s', (op) => expectWholeOfOne({ input: [-1, 3, 5], steps: [{ op, inputs: ['x'] }] }))

  it('Round to the even one of two', () =>
    expectWholeOfOne(
      { input: [-1, 8], steps: [{ op: 'Round', inputs: ['x'] }] },
      { batch: 1, values: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.4, -3.6] },
    ))

  it.each(['Asin', 'Acos', 'Atanh'])('%s between -1 and 1', (op) =>
    expectWholeOfOne({ input: [-1, 3, 5], steps: [bounded, { op, inputs: ['t'] }] }),
  )

  it.each(['Log', 'Sqrt', 'Reciprocal'])('%s of positive numbers', (op) =>
    expectWholeOfOne({ input: [-1, 9], stored: read(positive), steps: [...positive, { op, inputs: ['p'] }] }),
  )

  it('Acosh above 1', () =>
    expectWholeOfOne({
      input: [-1, 9],
      stored: { half: number(1) },
      steps: [...positive, { op: 'Acosh', inputs: ['p'] }],
    }))

  it.each([
    ['Elu', alpha(0.7)],
    ['Celu', alpha(1.7)],
    ['Selu', { gamma: { float: 1.3 }, alpha: { float: 0.9 } }],
    ['Selu', {}],
    ['ThresholdedRelu', alpha(0.3)],
    ['LeakyRelu', alpha(0.3)],
    ['HardSigmoid', {}],
    ['HardSwish', {}],
    ['Softplus', {}],
    ['Softsign', {}],
    ['Mish', {}],
    ['Shrink', { lambd: { float: 0.4 }, bias: { float: 0.2 } }],
  ] as [string, Record<string, Attribute>][])('%s %o', (op, attributes) =>
    expectWholeOfOne({ input: [-1, 3, 40], opset: 18, steps: [{ op, inputs: ['x'], attributes }] }),
  )

  it.each(['none', 'tanh'])('Gelu, approximate %s', (approximate) =>
    expectWholeOfOne({
      input: [-1, 3, 40],
      opset: 20,
      steps: [{ op: 'Gelu', inputs: ['x'], attributes: { approximate } }],
    }),
  )

  it('Softplus and Mish of large numbers', async () => {
    for (const op of ['Softplus', 'Mish', 'Sigmoid', 'Tanh', 'Erf'])
      await expectWholeOfOne(
        { input: [-1, 6], opset: 18, steps: [{ op, inputs: ['x'] }] },
        { batch: 1, values: [-200, -90, 0, 30, 90, 200], tolerance: 1e-7 },
      )
  })
})

const pairs: Record<string, Step[]> = {
  'Div by what is stored per column': [{ op: 'Div', inputs: ['x', 'perColumn'] }],
  'Div of what is stored': [...positive, { op: 'Div', inputs: ['perPlace', 'p'] }],
  'Pow of 3': [{ op: 'Pow', inputs: ['x', 'three'] }],
  'Pow of a third': [...positive, { op: 'Pow', inputs: ['p', 'third'] }],
  'Pow of negative numbers that is none': [{ op: 'Pow', inputs: ['x', 'third'] }],
  'Pow by what is stored': [...positive, { op: 'Pow', inputs: ['p', 'perChannel'] }],
  'Pow of what is stored': [{ op: 'Pow', inputs: ['two', 'x'] }],
  'Mod of floats': [{ op: 'Mod', inputs: ['x', 'perColumn'], attributes: { fmod: 1 } }],
  'PRelu per column': [{ op: 'PRelu', inputs: ['x', 'perColumn'] }],
  'PRelu of a computed slope': [
    { op: 'Sigmoid', inputs: ['x'] },
    { op: 'PRelu', inputs: ['x', 'v1'] },
  ],
  'Mean of three': [{ op: 'Mean', inputs: ['x', 'perColumn', 'perChannel'] }],
  'Max of what is infinite': [{ op: 'Max', inputs: ['x', 'huge'] }],
  'Min of three': [
    { op: 'Neg', inputs: ['x'] },
    { op: 'Min', inputs: ['x', 'v1', 'perPlace'] },
  ],
  'Clip by computed limits': [
    { op: 'ReduceMean', inputs: ['x'], output: 'm', attributes: { axes: [0, 1, 2, 3], keepdims: 0 } },
    { op: 'Abs', inputs: ['m'], output: 'high' },
    { op: 'Neg', inputs: ['high'], output: 'least' },
    { op: 'Clip', inputs: ['x', 'least', 'high'] },
  ],
  'Where of masks that are infinite': [
    { op: 'Greater', inputs: ['x', 'low'], output: 'c' },
    { op: 'Where', inputs: ['c', 'x', 'huge'] },
  ],
  'Where by a stored mask': [{ op: 'Where', inputs: ['mask', 'x', 'low'] }],
}

const comparisons: Record<string, Step[]> = {
  ...Object.fromEntries(
    ['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'].map((op) => [op, [{ op, inputs: ['x', 'perColumn'] }]]),
  ),
  Equal: [
    { op: 'Round', inputs: ['x'] },
    { op: 'Round', inputs: ['perPlace'] },
    { op: 'Equal', inputs: ['v1', 'v2'] },
  ],
  ...Object.fromEntries(
    ['And', 'Or', 'Xor'].map((op) => [
      op,
      [
        { op: 'Greater', inputs: ['x', 'low'] },
        { op: 'Not', inputs: ['mask'] },
        { op, inputs: ['v1', 'v2'] },
      ],
    ]),
  ),
  Not: [
    { op: 'Greater', inputs: ['x', 'low'] },
    { op: 'Not', inputs: ['v1'] },
  ],
  IsNaN: [
    { op: 'Add', inputs: ['x', 'huge'] },
    { op: 'IsNaN', inputs: ['v1'] },
  ],
  ...Object.fromEntries(
    [
      [1, 1],
      [1, 0],
      [0, 1],
    ].map(([above, below]) => [
      `IsInf ${above} ${below}`,
      [
        { op: 'Add', inputs: ['x', 'huge'] },
        { op: 'IsInf', inputs: ['v1'], attributes: { detect_positive: above, detect_negative: below } },
      ],
    ]),
  ),
  'casts to booleans and whole numbers': [
    { op: 'Mul', inputs: ['x', 'three'], output: 'm' },
    { op: 'Cast', inputs: ['m'], output: 'i', attributes: { to: DataType.INT32 } },
    { op: 'Cast', inputs: ['i'], output: 'b', attributes: { to: DataType.BOOL } },
    { op: 'Cast', inputs: ['b'], output: 'f', attributes: { to: DataType.FLOAT } },
    { op: 'Cast', inputs: ['i'], output: 'g', attributes: { to: DataType.FLOAT } },
    { op: 'Mul', inputs: ['g', 'two'], output: 'h' },
    { op: 'Add', inputs: ['f', 'h'] },
  ],
}

const wholeNumbers: Step[] = [
  { op: 'Mul', inputs: ['x', 'three'], output: 'm' },
  { op: 'Cast', inputs: ['m'], output: 'i', attributes: { to: DataType.INT64 } },
]

describe.each([
  ['as it lies', false],
  ['with channels last', true],
])('functions of two numbers, %s', (_name, last) => {
  /** Channels last: what x is, is another shape, so that constants per column are per channel. */
  const turned = (steps: readonly Step[]) =>
    last
      ? [
          CHANNELS_LAST,
          ...steps.map((step) => ({ ...step, inputs: step.inputs.map((name) => (name === 'x' ? 'turned' : name)) })),
        ]
      : steps
  // [N, 7, 2, 5] with channels last is [N, 2, 5, 7].
  const input = last ? [-1, 7, 2, 5] : IMAGE
  it.each(Object.entries(pairs))('%s', (_name2, steps) =>
    expectWholeOfOne({ input, stored: read(steps), steps: turned(named(steps)) }),
  )
  it.each(Object.entries(comparisons))('%s', (_name2, steps) => {
    const all = named(steps)
    return expectWholeOfOne({ input, stored: read(all), steps: turned([...all, toFloat(`v${all.length}`)]) })
  })
})

/** Steps whose outputs have names of their own, so that others may come before them. */
const named = (steps: readonly Step[]): Step[] =>
  steps.map((step, i) => ({ ...step, output: step.output ?? `v${i + 1}` }))

describe('whole numbers', () => {
  it.each([
    ['Div', {}],
    ['Mod', {}],
    ['Mod', { fmod: 1 }],
  ])('%s %o', (op, attributes) =>
    expectWholeOfOne({
      input: [-1, 9],
      stored: { three: number(9), n: { shape: [9], values: [1, -2, 3, -4, 5, -6, 7, -3, 2], whole: true } },
      steps: [...wholeNumbers, { op, inputs: ['i', 'n'], output: 'q', attributes }, toFloat('q')],
    }),
  )

  it('refuses the remainder of floats without fmod', () => {
    const bytes = written({ input: [-1, 9], stored: { two: number(2) }, steps: [{ op: 'Mod', inputs: ['x', 'two'] }] })
    expect(() => wholeNetwork(parseOnnx(bytes, 'm.onnx'), {}, 1)).toThrow(
      'm.onnx: node y (Mod): the remainder of floats needs fmod=1',
    )
  })
})

const reductions = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2']
const more = ['ReduceSumSquare', 'ReduceLogSumExp']

describe.each([...reductions, ...more, 'ReduceLogSum'])('%s', (op) => {
  const before = op === 'ReduceLogSum' ? positive : []
  const from = op === 'ReduceLogSum' ? 'p' : 'x'
  it.each([[[1]], [[2, 3]], [[-1, 1]], [[0]], [[0, 2]], [[0, 1, 2, 3]]])('over %o, kept or not', async (axes) => {
    for (const keepdims of [0, 1]) {
      const attributes: Step['attributes'] = op === 'ReduceSum' ? { keepdims } : { axes, keepdims }
      const inputs = op === 'ReduceSum' ? [from, 'axes'] : [from]
      const axesStored = op === 'ReduceSum' && { axes: { shape: [axes.length], values: axes, whole: true } }
      const steps = [...before, { op, inputs, attributes }]
      await expectWholeOfOne({ input: IMAGE, stored: { ...read(steps), ...axesStored }, steps })
      if (from === 'p') continue
      const last = [CHANNELS_LAST, { op, inputs: ['turned', ...inputs.slice(1)], attributes }]
      await expectWholeOfOne({ input: IMAGE, stored: { ...axesStored }, steps: last })
    }
  })

  it('with axes as an input, and over all of them', async () => {
    const steps = [...before, { op, inputs: [from, 'axes13'] }]
    await expectWholeOfOne({ input: IMAGE, opset: 18, stored: read(steps), steps })
    await expectWholeOfOne({
      input: IMAGE,
      opset: 18,
      stored: read(before),
      steps: [...before, { op, inputs: [from] }],
    })
  })
})

describe('places', () => {
  const rounded: Step = { op: 'Round', inputs: ['x'], output: 'r' }
  it.each(['ArgMax', 'ArgMin'])('%s of the first or the last', async (op) => {
    for (const axis of [0, 1, -1])
      for (const select_last_index of [0, 1])
        for (const keepdims of [0, 1]) {
          const attributes = { axis, select_last_index, keepdims }
          await expectWholeOfOne({
            input: IMAGE,
            steps: [rounded, { op, inputs: ['r'], output: 'a', attributes }, toFloat('a')],
          })
        }
    const last = { op, inputs: ['turned'], output: 'a', attributes: { axis: 2, keepdims: 0 } }
    await expectWholeOfOne({ input: IMAGE, steps: [CHANNELS_LAST, last, toFloat('a')] })
  })

  it('CumSum along any axis, either way', async () => {
    for (const axis of ['axis0', 'axis1'])
      for (const exclusive of [0, 1])
        for (const reverse of [0, 1]) {
          const attributes = { exclusive, reverse }
          for (const steps of [
            [{ op: 'CumSum', inputs: ['x', axis], attributes }],
            [CHANNELS_LAST, { op: 'CumSum', inputs: ['turned', axis], attributes }],
          ])
            await expectWholeOfOne({ input: IMAGE, stored: read(steps), steps })
        }
  })
})

describe.each(['Softmax', 'LogSoftmax', 'Hardmax'])('%s', (op) => {
  it.each([
    [17, [0, 1, 2, -1]],
    [11, [0, 1, 2, 3]],
    [7, [1, 3]],
  ])('opset %i along %o', async (opset, axes) => {
    for (const axis of axes) {
      const attributes = { axis }
      await expectWholeOfOne({ input: IMAGE, opset, steps: [{ op, inputs: ['x'], attributes }] })
      await expectWholeOfOne({ input: IMAGE, opset, steps: [CHANNELS_LAST, { op, inputs: ['turned'], attributes }] })
    }
  })

  it('by default', async () => {
    for (const opset of [11, 13]) await expectWholeOfOne({ input: IMAGE, opset, steps: [{ op, inputs: ['x'] }] })
  })
})
