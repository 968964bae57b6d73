import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { storedWeights } from '../../../src/formats/onnx/weights.ts'
import { type ModelText, mixed, modelBytes, type Stored } from './models.ts'
import { expectPruned, type Feeds, reasonsIn, unit, weightsIn } from './prune-weights.ts'

const matrix = (rows: number, columns: number, seed = 1, more: Partial<Stored> = {}): Stored => ({
  shape: [rows, columns],
  values: mixed(rows * columns, seed),
  ...more,
})
const ints = (...values: number[]): Stored => ({ shape: [values.length], values, type: 'int64' })
const floats = (...values: number[]): Stored => ({ shape: [values.length], values })
const scalar = (value: number, type: Stored['type'] = 'float'): Stored => ({ shape: [], values: [value], type })

interface Case extends ModelText {
  /** Keys of weights. */
  weights: string[]
  /** Outputs that hold all of them as layers multiply with them. */
  seen: string[]
  feeds?: Feeds
}

/** A product of the unit matrix with what `steps` make of W: its output y is that. */
const product = (
  stored: Record<string, Stored>,
  steps: ModelText['steps'],
  rows: number,
  more: Partial<Case> = {},
): Case => ({
  stored,
  outputs: ['y'],
  weights: ['W'],
  seen: ['y'],
  feeds: { x: unit(rows) },
  ...more,
  steps: [...steps, { op: 'MatMul', in: ['x', 'V'], out: 'y' }],
})

const onValue: ModelText['steps'] = [{ op: 'Identity', in: ['W'], out: 'V' }]
/** A mask with zeros in a third of its places. */
const mask = (count: number) => Array.from({ length: count }, (_, i) => Number(i % 3 !== 0))

const layouts: Record<string, Case> = {
  Identity: product({ W: matrix(4, 6) }, onValue, 4),
  Transpose: product({ W: matrix(6, 4) }, [{ op: 'Transpose', in: ['W'], out: 'V' }], 4),
  'Reshape and Flatten': product(
    { W: { shape: [24], values: mixed(24) }, s: ints(2, 3, -1) },
    [
      { op: 'Reshape', in: ['W', 's'], out: 'r' },
      { op: 'Flatten', in: ['r'], out: 'V', with: { axis: 2 } },
    ],
    6,
  ),
  'Unsqueeze and Squeeze': product(
    { W: matrix(4, 6), a: ints(0) },
    [
      { op: 'Unsqueeze', in: ['W', 'a'], out: 'u' },
      { op: 'Squeeze', in: ['u', 'a'], out: 'V' },
    ],
    4,
  ),
  Slice: product(
    { W: matrix(8, 6), from: ints(1), to: ints(8), axis: ints(0), step: ints(2) },
    [{ op: 'Slice', in: ['W', 'from', 'to', 'axis', 'step'], out: 'V' }],
    4,
    // Every other row: what no layer reads competes, too.
    { seen: [] },
  ),
  'Split, all parts of which are read': {
    stored: { W: matrix(4, 6), parts: ints(2, 4) },
    steps: [
      { op: 'Split', in: ['W', 'parts'], out: ['a', 'b'], with: { axis: 1 } },
      { op: 'MatMul', in: ['x', 'a'], out: 'y' },
      { op: 'MatMul', in: ['x', 'b'], out: 'z' },
    ],
    outputs: ['y', 'z'],
    weights: ['W'],
    seen: ['y', 'z'],
    feeds: { x: unit(4) },
  },
  'Concat of two': product(
    { W: matrix(4, 3), U: matrix(4, 5, 2) },
    [{ op: 'Concat', in: ['W', 'U'], out: 'V', with: { axis: 1 } }],
    4,
    { weights: ['W', 'U'] },
  ),
  'Gather of known rows': product(
    { W: matrix(4, 6), rows: ints(3, 1, 0, 2) },
    [{ op: 'Gather', in: ['W', 'rows'], out: 'V' }],
    4,
  ),
  'Neg, and Cast from halves': product(
    { W: { ...matrix(4, 6), values: mixed(24).map((_, i) => (i + 1) / 8), type: 'float16' } },
    [
      { op: 'Cast', in: ['W'], out: 'c', with: { to: 1 } },
      { op: 'Neg', in: ['c'], out: 'V' },
    ],
    4,
  ),
}

const scales: Record<string, Case> = {
  'a mask of bits': product(
    { W: matrix(4, 6), M: { shape: [4, 6], values: mask(24), type: 'bool' } },
    [
      { op: 'Cast', in: ['M'], out: 'm', with: { to: 1 } },
      { op: 'Mul', in: ['m', 'W'], out: 'V' },
    ],
    4,
  ),
  'a mask of floats, the second operand': product(
    { W: matrix(4, 6), M: { shape: [4, 6], values: mask(24) } },
    [{ op: 'Mul', in: ['W', 'M'], out: 'V' }],
    4,
  ),
  'weight normalization whose norm was computed before': product(
    { W: matrix(4, 3), g: { shape: [1, 3], values: [0.1, 1, 30] } },
    [{ op: 'Mul', in: ['g', 'W'], out: 'V' }],
    4,
  ),
  'a scale after a Transpose': product(
    { W: matrix(3, 4), g: floats(0.1, 1, 30) },
    [
      { op: 'Transpose', in: ['W'], out: 't', with: { perm: [1, 0] } },
      { op: 'Div', in: ['t', 'g'], out: 'V' },
    ],
    4,
  ),
  'a scale after Slice and Concat': product(
    { W: matrix(4, 6), g: floats(1, 2, 4, 8, 16, 32), zero: ints(0), two: ints(2), six: ints(6), one: ints(1) },
    [
      { op: 'Slice', in: ['W', 'zero', 'two', 'one'], out: 'a' },
      { op: 'Slice', in: ['W', 'two', 'six', 'one'], out: 'b' },
      { op: 'Concat', in: ['b', 'a'], out: 'c', with: { axis: -1 } },
      { op: 'Mul', in: ['c', 'g'], out: 'V' },
    ],
    4,
  ),
  'batch normalization folded by Add, Sqrt, Div, Reshape and Mul': {
    stored: {
      W: { shape: [4, 2, 3, 3], values: mixed(72) },
      gamma: floats(1, 0.1, 10, 3),
      variance: floats(1, 2, 3, 4),
      epsilon: scalar(0.001),
      s: ints(-1, 1, 1, 1),
    },
    steps: [
      { op: 'Add', in: ['variance', 'epsilon'], out: 'v' },
      { op: 'Sqrt', in: ['v'], out: 'd' },
      { op: 'Div', in: ['gamma', 'd'], out: 'f' },
      { op: 'Reshape', in: ['f', 's'], out: 'r' },
      { op: 'Mul', in: ['W', 'r'], out: 'V' },
      { op: 'Conv', in: ['x', 'V'], out: 'y' },
    ],
    inputs: { x: [1, 2, 3, 3] },
    outputs: ['y', 'V'],
    weights: ['W'],
    seen: ['V'],
    feeds: { x: { shape: [1, 2, 3, 3], values: mixed(18) } },
  },
  'DequantizeLinear with one scale': product(
    { W: bytesOf(4, 6, 'int8'), s: scalar(0.25), z: scalar(-3, 'int8') },
    [{ op: 'DequantizeLinear', in: ['W', 's', 'z'], out: 'V' }],
    4,
  ),
  'DequantizeLinear along an axis, of bytes with zero points': product(
    {
      W: bytesOf(4, 3, 'uint8'),
      s: floats(0.1, 1, 9),
      z: { shape: [3], values: [120, 128, 131], type: 'uint8' },
    },
    [{ op: 'DequantizeLinear', in: ['W', 's', 'z'], out: 'V', with: { axis: 1 } }],
    4,
  ),
  'DequantizeLinear in blocks': product(
    {
      W: bytesOf(4, 3, 'int8'),
      s: { shape: [2, 3], values: [0.1, 1, 9, 2, 3, 0.7] },
      z: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6], type: 'int8' },
    },
    [{ op: 'DequantizeLinear', in: ['W', 's', 'z'], out: 'V', with: { axis: 0, block_size: 2 } }],
    4,
    { opset: 21 },
  ),
  'DequantizeLinear and then Transpose': product(
    {
      W: bytesOf(6, 4, 'int8'),
      s: floats(1, 2.5, 3.7, 0.3, 0.2, 0.77),
      z: { shape: [6], values: [1, 0, 3, 0, 5, 6], type: 'int8' },
    },
    [
      { op: 'DequantizeLinear', in: ['W', 's', 'z'], out: 'd', with: { axis: 0 } },
      { op: 'Transpose', in: ['d'], out: 'V' },
    ],
    4,
  ),
  'whole numbers by a Cast and a Mul': product(
    { W: bytesOf(4, 3, 'int8'), s: floats(0.1, 1, 9) },
    [
      { op: 'Cast', in: ['W'], out: 'c', with: { to: 1 } },
      { op: 'Mul', in: ['c', 's'], out: 'V' },
    ],
    4,
  ),
}

function bytesOf(rows: number, columns: number, type: 'int8' | 'uint8'): Stored {
  const first = type === 'int8' ? -60 : 70
  return {
    shape: [rows, columns],
    values: Array.from({ length: rows * columns }, (_, i) => first + ((i * 37) % 113)),
    type,
  }
}

const places: Record<string, Case> = {
  'a Constant': product({}, [{ op: 'Constant', in: [], out: 'V', with: { value: { tensor: matrix(4, 6) } } }], 4, {
    weights: ['V'],
  }),
  'a sparse Constant': product(
    {},
    [{ op: 'Constant', in: [], out: 'V', with: { sparse_value: { tensor: matrix(4, 6, 1, { sparse: true }) } } }],
    4,
    { weights: ['V'] },
  ),
  'a sparse initializer': product({ W: matrix(4, 6, 1, { sparse: true }) }, onValue, 4),
  halves: product(
    { W: { shape: [4, 6], values: mixed(24).map((_, i) => (24 - i) / 8), type: 'float16' } },
    [{ op: 'Cast', in: ['W'], out: 'V', with: { to: 1 } }],
    4,
  ),
  doubles: {
    stored: { W: matrix(4, 6, 1, { type: 'double' }) },
    steps: [
      { op: 'Cast', in: ['x'], out: 'd', with: { to: 11 } },
      { op: 'MatMul', in: ['d', 'W'], out: 'p' },
      { op: 'Cast', in: ['p'], out: 'y', with: { to: 1 } },
    ],
    outputs: ['y'],
    weights: ['W'],
    seen: ['y'],
    feeds: { x: unit(4) },
  },
  'both branches of an If, and what they see outside': {
    stored: { yes: scalar(1, 'bool'), no: scalar(0, 'bool'), W: matrix(4, 6) },
    steps: ['yes', 'no'].map((condition) => ({
      op: 'If',
      name: condition,
      in: [condition],
      out: `${condition}.y`,
      with: {
        then_branch: {
          graph: { steps: [{ op: 'MatMul', in: ['x', 'W'], out: `${condition}.a` }], outputs: [`${condition}.a`] },
        },
        else_branch: {
          graph: {
            stored: condition === 'no' ? { [`${condition}.V`]: matrix(4, 6, 2) } : {},
            steps: [{ op: 'MatMul', in: ['x', condition === 'no' ? `${condition}.V` : 'W'], out: `${condition}.b` }],
            outputs: [`${condition}.b`],
          },
        },
      },
    })),
    outputs: ['yes.y', 'no.y'],
    weights: ['W', 'no/else_branch/no.V'],
    seen: ['yes.y', 'no.y'],
    feeds: { x: unit(4) },
  },
  'the body of a Loop, with what it carries along unchanged': {
    stored: { once: scalar(1, 'int64'), on: scalar(1, 'bool'), W: matrix(4, 4), U: matrix(4, 4, 2) },
    steps: [
      {
        op: 'Loop',
        name: 'loop',
        in: ['once', 'on', 'x', 'x', 'U'],
        out: ['a', 'b', 'c', 'd'],
        with: {
          body: {
            graph: {
              inputs: ['i:int64', 'going:bool', 'v', 'w', 'u'],
              stored: { V: matrix(4, 4, 3) },
              steps: [
                { op: 'Identity', in: ['going'], out: 'still' },
                { op: 'MatMul', in: ['v', 'W'], out: 'p' },
                { op: 'MatMul', in: ['w', 'V'], out: 'q' },
                { op: 'MatMul', in: ['x', 'u'], out: 'r' },
                { op: 'Identity', in: ['u'], out: 'same' },
              ],
              outputs: ['still:bool', 'p', 'q', 'same', 'r'],
            },
          },
        },
      },
    ],
    outputs: ['a', 'b', 'd'],
    weights: ['W', 'U', 'loop/body/V'],
    seen: ['a', 'b', 'd'],
    feeds: { x: unit(4) },
  },
  'branches of two nodes of one name': {
    stored: { yes: scalar(1, 'bool') },
    steps: ['y', 'z'].map((output) => ({
      op: 'If',
      name: 'twice',
      in: ['yes'],
      out: output,
      with: Object.fromEntries(
        ['then_branch', 'else_branch'].map((branch) => [
          branch,
          {
            graph: {
              stored: branch === 'then_branch' ? { [`V.${output}`]: matrix(4, 6, output === 'y' ? 1 : 2) } : {},
              steps: [
                branch === 'then_branch'
                  ? { op: 'MatMul', in: ['x', `V.${output}`], out: `${branch}.${output}` }
                  : { op: 'Identity', in: ['x'], out: `${branch}.${output}` },
              ],
              outputs: [`${branch}.${output}`],
            },
          },
        ]),
      ),
    })),
    outputs: ['y', 'z'],
    weights: ['y/then_branch/V.y', 'z/then_branch/V.z'],
    // ONNX Runtime refuses it.
    seen: [],
  },
  'functions, of arguments and constants, with attributes of the call': {
    stored: { W: matrix(6, 4), B: floats(0, 0, 0, 0, 0, 0) },
    steps: [
      { op: 'Outer', domain: 'local', in: ['x', 'W', 'B'], out: 'y' },
      { op: 'Inner', domain: 'local', in: ['x'], out: 'z' },
    ],
    functions: [
      {
        name: 'Linear',
        inputs: ['a', 'w', 'b'],
        outputs: ['o'],
        attributes: ['order'],
        steps: [
          { op: 'Transpose', in: ['w'], out: 't', with: { perm: { ref: 'order' } } },
          { op: 'MatMul', in: ['a', 't'], out: 'p' },
          { op: 'Add', in: ['p', 'b'], out: 'o' },
        ],
      },
      {
        name: 'Outer',
        inputs: ['a', 'w', 'b'],
        outputs: ['o'],
        steps: [{ op: 'Linear', domain: 'local', in: ['a', 'w', 'b'], out: 'o', with: { order: [1, 0] } }],
      },
      {
        name: 'Inner',
        inputs: ['a'],
        outputs: ['o'],
        steps: [
          { op: 'Constant', in: [], out: 'V', with: { value: { tensor: matrix(4, 5, 2) } } },
          { op: 'MatMul', in: ['a', 'V'], out: 'o' },
        ],
      },
    ],
    outputs: ['y', 'z'],
    weights: ['W', 'local.Inner/V'],
    seen: ['y', 'z'],
    feeds: { x: unit(4) },
  },
}

const layers: Record<string, Case> = {
  Einsum: {
    stored: { W: matrix(4, 6) },
    steps: [{ op: 'Einsum', in: ['x', 'W'], out: 'y', with: { equation: 'ni,io->no' } }],
    outputs: ['y'],
    weights: ['W'],
    seen: ['y'],
    feeds: { x: unit(4) },
  },
  'the first operand of MatMul, and of Gemm': {
    stored: { W: matrix(6, 4), U: matrix(4, 5, 2) },
    steps: [
      { op: 'MatMul', in: ['W', 'x'], out: 'y' },
      { op: 'Gemm', in: ['U', 'x'], out: 'z', with: { transA: 1 } },
    ],
    outputs: ['y', 'z'],
    weights: ['W', 'U'],
    seen: ['y', 'z'],
    feeds: { x: unit(4) },
  },
  'a second head': {
    stored: { W: matrix(4, 6), U: matrix(4, 3, 2) },
    steps: [
      { op: 'MatMul', in: ['x', 'W'], out: 'y' },
      { op: 'MatMul', in: ['x', 'U'], out: 'z' },
    ],
    outputs: ['y', 'z'],
    weights: ['W', 'U'],
    seen: ['y', 'z'],
    feeds: { x: unit(4) },
  },
  'operators of version 6': {
    stored: { W: matrix(4, 6) },
    steps: [{ op: 'MatMul', in: ['x', 'W'], out: 'y' }],
    opset: 6,
    outputs: ['y'],
    weights: ['W'],
    seen: ['y'],
    feeds: { x: unit(4) },
  },
  'a bidirectional LSTM, its weights unsqueezed or not': {
    stored: {
      W: { shape: [16, 3], values: mixed(48) },
      R: { shape: [1, 16, 4], values: mixed(64, 2) },
      a: ints(0),
      W2: { shape: [2, 16, 3], values: mixed(96, 3) },
      R2: { shape: [2, 16, 4], values: mixed(128, 4) },
      B2: { shape: [2, 32], values: mixed(64, 5) },
      h: { shape: [2, 1, 4], values: mixed(8, 6) },
      P2: { shape: [2, 12], values: mixed(24, 7) },
    },
    inputs: { x: [2, 1, 3] },
    steps: [
      { op: 'Unsqueeze', in: ['W', 'a'], out: 'W3' },
      { op: 'LSTM', in: ['x', 'W3', 'R'], out: 'y', with: { hidden_size: 4 } },
      {
        op: 'LSTM',
        in: ['x', 'W2', 'R2', 'B2', '', 'h', 'h', 'P2'],
        out: 'z',
        with: { hidden_size: 4, direction: 'bidirectional' },
      },
      ...['W3', 'R', 'W2', 'R2'].map((name) => ({ op: 'Identity', in: [name], out: `${name}.seen` })),
    ],
    outputs: ['y', 'z', 'W3.seen', 'R.seen', 'W2.seen', 'R2.seen'],
    weights: ['W', 'R', 'W2', 'R2'],
    seen: ['W3.seen', 'R.seen', 'W2.seen', 'R2.seen'],
    feeds: { x: { shape: [2, 1, 3], values: mixed(6) } },
  },
  'a GRU whose weights are one tensor in parts': {
    stored: {
      W: { shape: [12 * 3 + 12 * 4], values: mixed(84) },
      parts: ints(36, 48),
      w: ints(1, 12, 3),
      r: ints(1, 12, 4),
    },
    inputs: { x: [2, 1, 3] },
    steps: [
      { op: 'Split', in: ['W', 'parts'], out: ['a', 'b'] },
      { op: 'Reshape', in: ['a', 'w'], out: 'Wg' },
      { op: 'Reshape', in: ['b', 'r'], out: 'Rg' },
      { op: 'GRU', in: ['x', 'Wg', 'Rg'], out: 'y', with: { hidden_size: 4 } },
    ],
    outputs: ['y', 'Wg', 'Rg'],
    weights: ['W'],
    seen: ['Wg', 'Rg'],
    feeds: { x: { shape: [2, 1, 3], values: mixed(6) } },
  },
}

describe.each(Object.entries({ places, layouts, scales, layers }))('%s', (_kind, cases) => {
  it.each(Object.entries(cases))('%s', async (_what, { weights, seen, feeds, ...text }) => {
    const bytes = modelBytes(text)
    expect(
      weightsIn(bytes)
        .weights.map(({ key }) => key)
        .sort(),
    ).toEqual([...weights].sort())
    if (seen.length > 0) await expectPruned(bytes, seen, feeds!)
  })
})

describe('what stays as it is, and why', () => {
  const others: Record<string, ModelText & { weights: string[]; reasons: Record<string, string> }> = {
    'a bias of Gemm with two axes': {
      stored: { W: matrix(4, 6), C: matrix(4, 6, 2) },
      steps: [{ op: 'Gemm', in: ['x', 'W', 'C'], out: 'y' }],
      outputs: ['y'],
      weights: ['W'],
      reasons: { C: 'a bias of Gemm' },
    },
    'biases, states and peepholes of an LSTM': {
      ...layers['a bidirectional LSTM, its weights unsqueezed or not'],
      reasons: { B2: 'a bias of LSTM', h: 'an initial state of LSTM', P2: 'peepholes of LSTM' },
    },
    'a table that rows are looked up in': {
      stored: { E: matrix(9, 4), W: matrix(4, 6) },
      steps: [
        { op: 'Cast', in: ['x'], out: 'i', with: { to: 7 } },
        { op: 'Gather', in: ['E', 'i'], out: 'e' },
        { op: 'MatMul', in: ['e', 'W'], out: 'y' },
      ],
      outputs: ['y'],
      weights: ['W'],
      reasons: { E: 'a table that Gather looks up in' },
    },
    'a table that is the weight of the last layer, too: it is pruned, once': {
      stored: { E: matrix(9, 4) },
      steps: [
        { op: 'Cast', in: ['x'], out: 'i', with: { to: 7 } },
        { op: 'Gather', in: ['E', 'i'], out: 'e' },
        { op: 'Transpose', in: ['E'], out: 't' },
        { op: 'MatMul', in: ['e', 't'], out: 'y' },
        { op: 'MatMul', in: ['e', 't'], out: 'z' },
      ],
      outputs: ['y', 'z'],
      weights: ['E'],
      reasons: {},
    },
    'weight normalization whose norm is computed from the same tensor': {
      stored: { v: matrix(4, 6), g: { shape: [1, 6], values: mixed(6) }, a: ints(0) },
      steps: [
        { op: 'ReduceL2', in: ['v'], out: 'n', with: { axes: [0] } },
        { op: 'Div', in: ['v', 'n'], out: 'd' },
        { op: 'Mul', in: ['d', 'g'], out: 'W' },
        { op: 'MatMul', in: ['x', 'W'], out: 'y' },
      ],
      outputs: ['y'],
      weights: [],
      reasons: { v: expect.stringMatching(/a weight of node y \(MatMul\), but also read by ReduceL2/) },
    },
    'the sum of two, and what Where chooses': {
      stored: { a: matrix(4, 6), b: matrix(4, 6, 2), c: { ...matrix(4, 6), values: mask(24), type: 'bool' } },
      steps: [
        { op: 'Add', in: ['a', 'b'], out: 's' },
        { op: 'Where', in: ['c', 's', 'b'], out: 'W' },
        { op: 'MatMul', in: ['x', 'W'], out: 'y' },
      ],
      outputs: ['y'],
      weights: [],
      reasons: {
        a: 'read by Add, which does not leave each zero where it is',
        b: 'read by Add, which does not leave each zero where it is; read by Where, which does not leave each zero where it is',
      },
    },
    'activations that are added to a stored table, or scaled by one': {
      stored: { p: matrix(4, 6), q: matrix(4, 6, 2), W: matrix(4, 6, 3) },
      steps: [
        { op: 'MatMul', in: ['x', 'W'], out: 'm' },
        { op: 'Add', in: ['m', 'p'], out: 'a' },
        { op: 'Mul', in: ['a', 'q'], out: 'y' },
      ],
      outputs: ['y'],
      weights: ['W'],
      reasons: { p: 'read by Add, which is no layer', q: 'read by Mul, which is no layer' },
    },
    'a mask, a table that nothing reads, an output': {
      stored: { W: matrix(4, 6), M: { shape: [4, 6], values: mask(24) }, u: matrix(2, 3), o: matrix(3, 2) },
      steps: [
        { op: 'Mul', in: ['W', 'M'], out: 'V' },
        { op: 'MatMul', in: ['x', 'V'], out: 'y' },
      ],
      outputs: ['y', 'o'],
      weights: ['W'],
      reasons: { M: 'a scale or mask of other stored values', u: 'read by nothing', o: 'an output of the model' },
    },
    'products that sum over nothing, as of positions and frequencies': {
      stored: { f: { shape: [1, 3, 1], values: mixed(3) }, g: matrix(2, 3), W: matrix(4, 6) },
      steps: [
        { op: 'MatMul', in: ['f', 'x'], out: 'o' },
        { op: 'Einsum', in: ['x', 'g'], out: 'e', with: { equation: 'ab,cd->abcd' } },
        { op: 'MatMul', in: ['x', 'W'], out: 'y' },
      ],
      outputs: ['y'],
      weights: ['W'],
      reasons: { g: 'multiplied by Einsum, which sums over none of its axes' },
    },
    'numbers of a type that is not read, and packed ones': {
      stored: { W: { ...bytesOf(4, 6, 'int8'), type: 'int4' }, s: scalar(1), p: bytesOf(4, 6, 'uint8') },
      steps: [
        { op: 'DequantizeLinear', in: ['W', 's'], out: 'd' },
        { op: 'MatMul', in: ['x', 'd'], out: 'y' },
        { op: 'MatMulNBits', domain: 'com.microsoft', in: ['y', 'p', 's'], out: 'z' },
      ],
      outputs: ['z'],
      weights: [],
      opset: 21,
      reasons: {
        W: 'of a type that is not pruned, INT4',
        p: 'packed numbers of few bits, which com.microsoft.MatMulNBits unpacks',
      },
    },
    'an operator that nobody knows': {
      stored: { W: matrix(4, 6) },
      steps: [{ op: 'Magic', domain: 'com.example', in: ['x', 'W'], out: 'y' }],
      outputs: ['y'],
      weights: [],
      reasons: { W: 'read by com.example.Magic, an operator that is not known here' },
    },
    'two zero points': {
      stored: { W: bytesOf(4, 6, 'int8'), s: scalar(1), z: scalar(2, 'int8') },
      steps: [
        { op: 'DequantizeLinear', in: ['W', 's'], out: 'a' },
        { op: 'DequantizeLinear', in: ['W', 's', 'z'], out: 'b' },
        { op: 'MatMul', in: ['x', 'a'], out: 'y' },
        { op: 'MatMul', in: ['x', 'b'], out: 'v' },
      ],
      outputs: ['y', 'v'],
      weights: [],
      reasons: { W: 'read with two different zero points' },
    },
    'a product of a column with a row': {
      stored: { c: { shape: [4, 1], values: mixed(4) }, r: { shape: [1, 6], values: mixed(6) }, W: matrix(4, 6) },
      steps: [
        { op: 'Mul', in: ['c', 'r'], out: 'o' },
        { op: 'MatMul', in: ['x', 'o'], out: 'y' },
        { op: 'MatMul', in: ['x', 'W'], out: 'z' },
      ],
      outputs: ['y', 'z'],
      weights: ['W'],
      reasons: {},
    },
  }
  it.each(Object.entries(others))('%s', (_what, { weights, reasons, ...text }) => {
    const bytes = modelBytes(text)
    expect(weightsIn(bytes).weights.map(({ key }) => key)).toEqual(weights)
    expect(reasonsIn(bytes)).toEqual(reasons)
  })
})

describe('files that no tool should write', () => {
  const text = (steps: ModelText['steps'], functions: ModelText['functions'] = []): ModelText => ({
    stored: { W: matrix(4, 6) },
    steps,
    functions,
    outputs: ['y'],
  })
  it('a function that calls itself is refused', () => {
    const call = [{ op: 'F', domain: 'local', in: ['x', 'W'], out: 'y' }]
    const functions = [{ name: 'F', inputs: ['x', 'W'], outputs: ['y'], steps: call }]
    expect(() => weightsIn(modelBytes(text(call, functions)))).toThrow('its function F calls itself')
  })

  it('functions that call one another a million times are refused', () => {
    const twice = (op: string) => [
      { op, domain: 'local', in: ['x', 'W'], out: 'a' },
      { op, domain: 'local', in: ['a', 'W'], out: 'y' },
    ]
    const functions = Array.from({ length: 24 }, (_, i) => ({
      name: `F${i}`,
      inputs: ['x', 'W'],
      outputs: ['y'],
      steps: i === 23 ? [{ op: 'MatMul', in: ['x', 'W'], out: 'y' }] : twice(`F${i + 1}`),
    }))
    expect(() => weightsIn(modelBytes(text(twice('F0'), functions)))).toThrow('more than 1000000 nodes')
  })

  it('ten thousand nodes in a row, and values in more ways than can be followed, end', () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => ({
      op: 'Neg',
      in: [i === 0 ? 'W' : `n${i}`],
      out: `n${i + 1}`,
    }))
    const doubled = Array.from({ length: 40 }, (_, i) => {
      const from = i === 0 ? 'W' : `d${i}`
      return { op: 'Concat', in: [from, from], out: `d${i + 1}`, with: { axis: 0 } }
    })
    const layer = (weight: string) => ({ op: 'MatMul', in: ['x', weight], out: 'y' })
    for (const steps of [
      [...chain, layer('n10000')],
      [...doubled, layer('d40')],
    ])
      expect(weightsIn(modelBytes(text(steps))).weights).toEqual([])
  })

  it('shapes that do not fit, and sizes beyond all memory, are not followed', () => {
    const stored = { W: matrix(4, 6), big: ints(2 ** 40, 2 ** 40), odd: ints(5, 5), f: floats(1, 2, 3) }
    for (const steps of [
      [
        { op: 'Tile', in: ['W', 'big'], out: 't' },
        { op: 'Mul', in: ['t', 'f'], out: 'm' },
        { op: 'MatMul', in: ['x', 'm'], out: 'y' },
      ],
      [
        { op: 'Reshape', in: ['W', 'odd'], out: 't' },
        { op: 'Mul', in: ['t', 'f'], out: 'm' },
        { op: 'MatMul', in: ['x', 'm'], out: 'y' },
      ],
      [
        { op: 'Mul', in: ['W', 'odd'], out: 'm' },
        { op: 'MatMul', in: ['x', 'm'], out: 'y' },
      ],
      [
        { op: 'Transpose', in: ['W'], out: 't', with: { perm: [0, 0] } },
        { op: 'Mul', in: ['t', 'f'], out: 'm' },
        { op: 'MatMul', in: ['x', 'm'], out: 'y' },
      ],
    ]) {
      const file = parseOnnx(modelBytes({ stored, steps, outputs: ['y'] }), 'm.onnx')
      expect(storedWeights(file).weights).toEqual([])
      expect(storedWeights(file).untouched.map(({ key }) => key)).toEqual(['W'])
    }
  })
})
