import { TensorProto_DataType as DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { folds } from '../../../src/formats/onnx/fold.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { best } from '../../support/engines.ts'
import { runModel } from '../../support/onnx.ts'
import { type Attribute, type Step, type Stored, written } from './build.ts'

interface Case {
  /** Of a node; undefined: left out. */
  inputs: (Stored | undefined)[]
  attributes?: Record<string, Attribute>
  opset?: number
  /** Number of outputs. Default 1. */
  outputs?: number
}

const { BOOL, DOUBLE, FLOAT, FLOAT16, BFLOAT16, INT8, INT32, INT64, UINT8 } = DataType
const of =
  (type: DataType) =>
  (shape: readonly number[], ...values: number[]): Stored => ({ shape, values, type })
const [float, double, int, int32, int8, byte, bool] = [FLOAT, DOUBLE, INT64, INT32, INT8, UINT8, BOOL].map(of)
/** A list of 64-bit integers. */
const list = (...values: number[]) => int([values.length], ...values)

/**
 * A model that adds what a node makes of constants to its input: y = x + [result, of all outputs, as one
 * row].
 */
function model(op: string, { inputs, attributes, opset, outputs = 1 }: Case, size: number) {
  const stored: Record<string, Stored> = { row: list(1, -1) }
  const names = inputs.map((input, i) => {
    if (input) stored[`c${i}`] = input
    return input ? `c${i}` : ''
  })
  const made = Array.from({ length: outputs }, (_, i) => `o${i}`)
  const steps: Step[] = [
    { op, inputs: names, attributes, outputs: made },
    ...made.flatMap((name) => [
      { op: 'Cast', inputs: [name], attributes: { to: FLOAT }, output: `${name}f` },
      { op: 'Reshape', inputs: [`${name}f`, 'row'], output: `${name}r` },
    ]),
    { op: 'Concat', inputs: made.map((name) => `${name}r`), attributes: { axis: 1 }, output: 'all' },
    { op: 'Add', inputs: ['x', 'all'] },
  ]
  return written({ input: [-1, size], stored, steps, opset })
}

/** What ONNX Runtime and Espalier add to zeros. */
async function both(op: string, one: Case): Promise<{ here: Float32Array; there: Float32Array }> {
  const feed = new Map([['x', { shape: [1, 1], values: [0] }]])
  const there = (await runModel(model(op, one, -1), feed)).get('y')!
  const network = new SparseModel(readOnnx(model(op, one, there.length), 'model.onnx'), { machine: best })
  return { here: network.run(new Float32Array(there.length)), there }
}

const floats = float([2, 3], -2.5, -1.5, -0.5, 0.5, 1.5, 2.6)
const positive = float([2, 3], 0.1, 0.5, 1, 2, 3, 7)
const column = float([2, 1], 2, -3)
const whole = int([2, 3], -7, -3, -1, 2, 5, 9)
const flags = bool([2, 2], 0, 1, 0, 1)
const cube = float([2, 3, 4], ...Array.from({ length: 24 }, (_, i) => Math.sin(i) * 3))
const scalar = (value: number) => float([], value)

const unary: Case[] = [{ inputs: [floats] }]
const arithmetic: Case[] = [
  { inputs: [floats, column] },
  { inputs: [column, float([3, 1, 4], ...Array.from({ length: 12 }, (_, i) => i - 5.5))] },
  { inputs: [whole, int([3], 2, -2, 3)] },
  { inputs: [int32([2], 2_000_000_000, -7), int32([1], 2)] },
  { inputs: [double([1], 0.1), double([1], 0.2)] },
]
const comparisons: Case[] = [
  { inputs: [floats, column] },
  { inputs: [whole, int([3], -7, 2, 5)] },
  { inputs: [floats, floats] },
]
const logic: Case[] = [{ inputs: [flags, bool([2, 1], 0, 1)] }]
const several: Case[] = [
  { inputs: [scalar(1), scalar(2), scalar(9)] },
  { inputs: [floats, column, scalar(0.25)] },
  { inputs: [floats] },
]
const reductions = (axesAsInput: number): Case[] => [
  { inputs: [float([2, 2], 1, 2, 3, 4)], attributes: { axes: [1] }, opset: 12 },
  { inputs: [cube], attributes: { axes: [-1, 0], keepdims: 0 }, opset: 12 },
  { inputs: [cube], attributes: { keepdims: 0 }, opset: 12 },
  { inputs: [cube], opset: 12 },
  { inputs: [cube, list(1)], attributes: { keepdims: 0 }, opset: axesAsInput },
  { inputs: [cube, list(0, -1)], opset: axesAsInput },
  { inputs: [cube], opset: axesAsInput },
]
const unchanged = (opset: number): Case => ({ inputs: [cube], attributes: { noop_with_empty_axes: 1 }, opset })

const cases: Record<keyof typeof folds, Case[]> = {
  Abs: unary,
  Neg: [...unary, { inputs: [whole] }],
  Sign: unary,
  Sqrt: [{ inputs: [positive] }],
  Reciprocal: unary,
  Floor: unary,
  Ceil: unary,
  Round: unary,
  Exp: unary,
  Log: [{ inputs: [positive] }, { inputs: [float([2], 0, 1)] }],
  Sin: unary,
  Cos: unary,
  Tanh: unary,
  Sigmoid: unary,
  Erf: [...unary, { inputs: [float([4], -3, 3, 0.01, 9)] }],
  IsNaN: [{ inputs: [float([3], NaN, 1, Infinity)] }],
  Relu: unary,
  Not: [{ inputs: [flags] }],
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Mod: [
    { inputs: [whole, int([3], 2, -2, 4)] },
    { inputs: [whole, int([3], 2, -2, 4)], attributes: { fmod: 1 } },
    { inputs: [float([2], -3, 5.5), float([2], 2, -2)], attributes: { fmod: 1 } },
  ],
  Pow: [
    { inputs: [positive, column] },
    { inputs: [floats, int([], 2)] },
    { inputs: [whole, int([], 2)] },
    { inputs: [int([3], 2, 3, 4), scalar(0.5)] },
  ],
  Max: [...several, { inputs: [whole, int([], 0), int([3], 1, 2, 3)] }],
  Min: [...several, { inputs: [whole, int([], 0), int([3], 1, 2, 3)] }],
  Sum: several,
  Mean: several,
  Equal: comparisons,
  Greater: comparisons,
  GreaterOrEqual: comparisons,
  Less: comparisons,
  LessOrEqual: comparisons,
  And: logic,
  Or: logic,
  Xor: logic,
  Where: [
    { inputs: [bool([], 1), scalar(5), scalar(-Infinity)] },
    { inputs: [bool([2, 1], 1, 0), floats, float([3], Infinity, NaN, 4)] },
    { inputs: [bool([2, 1], 1, 0), whole, int([3], 1, 2, 3)] },
  ],
  Clip: [
    { inputs: [floats, scalar(-1), scalar(1)] },
    { inputs: [floats, undefined, scalar(1)] },
    { inputs: [floats, scalar(-1)] },
    { inputs: [floats, scalar(1), scalar(-1)] },
    { inputs: [whole, int([], -2), int([], 4)] },
    { inputs: [floats], attributes: { min: { float: -1 }, max: { float: 0.75 } }, opset: 10 },
  ],
  ReduceSum: [...reductions(13), unchanged(13)],
  ReduceMean: [...reductions(18), unchanged(18)],
  ReduceProd: [...reductions(18), unchanged(18)],
  ReduceMax: [...reductions(18), unchanged(18), { inputs: [int32([2, 2], 4, -3, 2, 8)], attributes: { axes: [0] } }],
  ReduceMin: [...reductions(18), unchanged(18), { inputs: [int32([2, 2], 4, -3, 2, 8)], attributes: { axes: [0] } }],
  ReduceL1: reductions(18),
  ReduceL2: reductions(18),
  ReduceSumSquare: reductions(18),
  DequantizeLinear: [
    { inputs: [int8([2, 3], -128, -1, 0, 1, 7, 127), scalar(0.3)] },
    { inputs: [byte([2, 3], 0, 1, 2, 128, 200, 255), scalar(0.3), byte([], 128)] },
    { inputs: [int8([2, 3], 1, 2, 3, 4, 5, 6), float([3], 0.1, 2, -3), int8([3], 1, -2, 0)] },
    { inputs: [int8([2, 3], 1, 2, 3, 4, 5, 6), float([2], 0.1, 2), int8([2], 1, -2)], attributes: { axis: 0 } },
    {
      inputs: [int8([2, 5], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), float([2, 3], 0.1, 2, 3, 4, 5, 6)],
      attributes: { axis: 1, block_size: 2 },
      opset: 21,
    },
  ],
  QuantizeLinear: [
    { inputs: [floats, scalar(0.2)] },
    { inputs: [floats, scalar(1), int8([], 3)] },
    { inputs: [floats, float([3], 0.01, 0.3, 2), int8([3], 1, -2, 120)] },
    { inputs: [floats, float([2], 0.01, 0.3), byte([2], 1, 3)], attributes: { axis: -2 } },
  ],
  Identity: [{ inputs: [floats] }, { inputs: [whole] }],
  Cast: [
    { inputs: [floats], attributes: { to: INT64 } },
    { inputs: [float([4], 2.5, 0, -0.5, NaN)], attributes: { to: BOOL } },
    { inputs: [floats], attributes: { to: INT32 } },
    { inputs: [float([3], 1.9, 200.5, 0)], attributes: { to: UINT8 } },
    { inputs: [float([3], 0.1, 65503, 1e-7)], attributes: { to: FLOAT16 } },
    { inputs: [float([3], 0.1, 65503, 1e-7)], attributes: { to: BFLOAT16 } },
    { inputs: [float([1], 0.1)], attributes: { to: DOUBLE } },
    { inputs: [double([2], 0.1, 1e30)], attributes: { to: FLOAT } },
    { inputs: [int([4], 300, -1, 128, 0)], attributes: { to: UINT8 } },
    { inputs: [int([4], 300, -1, 128, 0)], attributes: { to: INT8 } },
    { inputs: [int([2], 2 ** 32 + 5, -3)], attributes: { to: INT32 } },
    { inputs: [int([2], 2 ** 24 + 1, -3)], attributes: { to: FLOAT } },
    { inputs: [int([3], 2, 0, -1)], attributes: { to: BOOL } },
    { inputs: [flags], attributes: { to: INT64 } },
    { inputs: [byte([2], 255, 3)], attributes: { to: INT8 } },
    { inputs: [int8([2], -1, 3)], attributes: { to: FLOAT } },
  ],
  Reshape: [{ inputs: [cube, list(0, -1)] }, { inputs: [cube, list(4, 3, 2)] }],
  Flatten: [0, 1, 2, 3, -1, -3].map((axis) => ({ inputs: [cube], attributes: { axis } })),
  Squeeze: [
    { inputs: [float([1, 2, 1], 1, 2)] },
    { inputs: [float([1, 2, 1], 1, 2), list(-1)] },
    { inputs: [float([1, 2, 1], 1, 2)], attributes: { axes: [0] }, opset: 11 },
  ],
  Unsqueeze: [{ inputs: [floats, list(0, -1)] }, { inputs: [floats], attributes: { axes: [1] }, opset: 11 }],
  Transpose: [
    { inputs: [cube] },
    { inputs: [floats] },
    { inputs: [cube], attributes: { perm: [1, 2, 0] } },
    { inputs: [cube], attributes: { perm: [0, 2, 1] } },
  ],
  Concat: [
    { inputs: [floats, floats], attributes: { axis: -1 } },
    { inputs: [floats, float([1, 3], 7, 8, 9), floats], attributes: { axis: 0 } },
    { inputs: [cube, float([2, 1, 4], 1, 2, 3, 4, 5, 6, 7, 8)], attributes: { axis: -2 } },
    { inputs: [float([0]), float([2], 1, 2)], attributes: { axis: 0 } },
  ],
  Slice: [
    { inputs: [cube, list(0, 1), list(2, 9), list(1, -1), list(1, 2)] },
    { inputs: [cube, list(-1), list(-9), list(2), list(-1)] },
    { inputs: [cube, list(-2, 0), list(2 ** 53, 1)] },
    { inputs: [cube], attributes: { starts: [1, 0], ends: [2, -1], axes: [0, 2] }, opset: 9 },
  ],
  Split: [
    { inputs: [cube], attributes: { axis: 2 }, outputs: 2 },
    { inputs: [cube], attributes: { axis: 1, split: [1, 2] }, opset: 11, outputs: 2 },
    { inputs: [cube, list(3, 1)], attributes: { axis: -1 }, outputs: 2 },
    { inputs: [float([5], 1, 2, 3, 4, 5)], attributes: { num_outputs: 3 }, opset: 18, outputs: 3 },
  ],
  Gather: [
    { inputs: [cube, int([2, 2], 0, -1, 1, -2)], attributes: { axis: 1 } },
    { inputs: [cube, int([], -1)], attributes: { axis: -1 } },
    { inputs: [whole, int([1], 1)] },
  ],
  Expand: [{ inputs: [column, list(2, 2, 3)] }, { inputs: [cube, list(1)] }, { inputs: [column, list(1, 4)] }],
  Tile: [{ inputs: [floats, list(2, 3)] }, { inputs: [cube, list(1, 2, 1)] }],
  Pad: [
    { inputs: [floats, list(1, 0, 0, 2)] },
    { inputs: [floats, list(1, 0, 0, 2), scalar(7)] },
    { inputs: [floats, list(1, 2), undefined, list(-1)], opset: 18 },
    { inputs: [floats], attributes: { pads: [0, 1, 1, 0], value: { float: 2 } }, opset: 10 },
  ],
  Range: [
    { inputs: [int([], 2), int([], 9), int([], 3)] },
    { inputs: [int([], 5), int([], 0), int([], -2)] },
    { inputs: [scalar(0), scalar(1), scalar(0.25)] },
  ],
  Dropout: [{ inputs: [floats] }, { inputs: [floats, scalar(0.5), bool([], 0)] }, { inputs: [floats], opset: 10 }],
}

describe('numbers that are computed from constants', () => {
  it('every operator that is has a case', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(folds).sort())
  })

  it.each(Object.entries(cases).flatMap(([op, list]) => list.map((one, i) => [`${op} ${i + 1}`, op, one] as const)))(
    '%s: as ONNX Runtime computes them',
    async (_name, op, one) => {
      const { here, there } = await both(op, one)
      expect(here.length).toBe(there.length)
      here.forEach((value, i) => {
        const same = Object.is(value, there[i]) || value === there[i]
        if (!same) expect(Math.abs(value - there[i])).toBeLessThanOrEqual(2e-6 * Math.abs(there[i]))
      })
    },
  )

  /** Why a model cannot be run. */
  const refusal = (op: string, one: Case, size = 1) => {
    const { network } = readOnnx(model(op, one, size), 'model.onnx').onnx
    return network instanceof Error ? network.message : 'it runs'
  }

  it.each<[string, string, Case, string]>([
    [
      'floats that do not fit into whole numbers',
      'Cast',
      { inputs: [float([2], 1, 300)], attributes: { to: UINT8 } },
      'o0 (Cast): the constant 300 does not fit into UINT8',
    ],
    [
      'no number as a whole one',
      'Cast',
      { inputs: [float([2], 1, NaN)], attributes: { to: INT64 } },
      'the constant NaN does not fit into INT64',
    ],
    [
      'floats beyond halves',
      'Cast',
      { inputs: [float([1], 1e6)], attributes: { to: FLOAT16 } },
      'the constant 1000000 does not fit into FLOAT16',
    ],
    [
      'types that are not known',
      'Cast',
      { inputs: [float([1], 1)], attributes: { to: DataType.STRING } },
      'a cast to STRING is not supported',
    ],
    [
      'whole numbers divided by 0',
      'Div',
      { inputs: [int([1], 1), int([1], 0)] },
      'o0 (Div): a whole number that it computes',
    ],
    ['whole numbers that are too large', 'Mul', { inputs: [int([1], 2 ** 40), int([1], 2 ** 40)] }, 'beyond 2^53'],
    ['remainders of floats without fmod', 'Mod', { inputs: [float([1], 1), float([1], 2)] }, 'needs fmod=1'],
    [
      'operands of different types',
      'Add',
      { inputs: [float([1], 1), int([1], 2)] },
      'expected operands of one type, found F32 and I64',
    ],
    ['random numbers', 'Dropout', { inputs: [float([1], 1), scalar(0.5), bool([], 1)] }, 'its training_mode is true'],
    [
      'more numbers than can be held',
      'Expand',
      { inputs: [float([1], 1), list(2 ** 20, 2 ** 10)] },
      'computes 1073741824 numbers from constants',
    ],
    [
      'an attribute that nothing knows',
      'Add',
      { inputs: [float([1], 1), float([1], 2)], attributes: { axis: 1 } },
      'o0 (Add): its attribute axis is not supported',
    ],
    [
      'an input that nothing knows',
      'Neg',
      { inputs: [float([1], 1), float([1], 2)] },
      'it has 2 inputs, and only 1 of Neg',
    ],
  ])('%s are refused, naming the node', (_name, op, one, text) => {
    const said = refusal(op, one)
    expect(said).toContain(text)
    expect(said).toMatch(/^model\.onnx: node o0 /)
  })

  it('kernels that nodes make of stored tensors are computed whatever their size, quickly', () => {
    // A batch normalization that another tool folded, before a matrix of more than 2^20 weights.
    const [rows, columns] = [2048, 1024]
    const draw = Array.from({ length: rows * columns }, (_, i) => (i % 251) / 251 - 0.5)
    const bytes = written({
      input: [-1, rows],
      stored: {
        w: { shape: [rows, columns], values: draw },
        scale: { shape: [columns], values: draw.slice(7, 7 + columns) },
        variance: { shape: [columns], values: draw.slice(0, columns).map((x) => x + 1) },
        epsilon: { shape: [], values: [0.25] },
      },
      steps: [
        { op: 'Add', inputs: ['variance', 'epsilon'] },
        { op: 'Sqrt', inputs: ['v1'] },
        { op: 'Div', inputs: ['scale', 'v2'] },
        { op: 'Mul', inputs: ['w', 'v3'] },
        { op: 'MatMul', inputs: ['x', 'v4'] },
      ],
    })
    const began = performance.now()
    const network = new SparseModel(readOnnx(bytes, 'model.onnx'), { machine: best })
    const x = new Float32Array(rows)
    x[3] = 1
    const y = network.run(x)
    const at = (c: number) => (draw[3 * columns + c] * draw[7 + c]) / Math.sqrt(draw[c] + 1 + 0.25)
    for (const c of [0, 5, 1023]) expect(y[c]).toBeCloseTo(at(c), 5)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})
