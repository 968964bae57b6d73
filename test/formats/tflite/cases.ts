/** @file Small ONNX models, one operator or one form of a network each, that become TensorFlow Lite files. */
import { type ModelText, mixed, type Step, type Stored } from '../onnx/models.ts'

const weights = (shape: readonly number[], seed = 1): Stored => ({
  shape,
  values: mixed(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ).map((x) => x / 4),
})

interface Conv {
  image: readonly [channels: number, rows: number, columns: number]
  out: number
  kernel: readonly [number, number]
  strides?: readonly number[]
  pads?: readonly number[]
  dilations?: readonly number[]
  group?: number
  bias?: boolean
}

const conv = ({ image, out, kernel, bias = true, group = 1, ...rest }: Conv): ModelText => ({
  inputs: { x: ['N', ...image] },
  stored: { w: weights([out, image[0] / group, ...kernel]), ...(bias && { b: weights([out], 2) }) },
  steps: [{ op: 'Conv', in: ['x', 'w', ...(bias ? ['b'] : [])], out: 'y', with: { group, ...rest } }],
  outputs: ['y'],
})

/** Kernels of 1 to 7 on even and odd sizes, with strides; padding that is SAME, is not, or is on one side. */
function convolutions(): Record<string, ModelText> {
  const found: Record<string, ModelText> = {}
  for (const k of [1, 3, 5, 7])
    for (const [rows, columns] of [
      [8, 9],
      [11, 7],
    ])
      for (const stride of [1, 2, 3])
        for (const pad of [0, (k - 1) / 2])
          found[`conv ${k}x${k} of ${rows}x${columns}, stride ${stride}, padding ${pad}`] = conv({
            image: [3, rows, columns],
            out: 4,
            kernel: [k, k],
            strides: [stride, stride],
            pads: [pad, pad, pad, pad],
          })
  const odd = { image: [4, 9, 10], out: 6, kernel: [3, 2] } as const
  return {
    ...found,
    'conv 3x2, padded at the end': conv({ ...odd, pads: [0, 0, 2, 1], strides: [2, 1] }),
    'conv 3x2, padded at the start': conv({ ...odd, pads: [2, 1, 0, 0], strides: [1, 2] }),
    'conv 3x2, padding that no window reads': conv({ ...odd, pads: [0, 0, 1, 0], strides: [3, 2] }),
    'conv, SAME with an odd place at the end': conv({ ...odd, pads: [0, 0, 1, 0], strides: [2, 2] }),
    'conv 3x3, padded at the start, as many windows as without': conv({
      image: [3, 9, 9],
      out: 4,
      kernel: [3, 3],
      pads: [1, 1, 0, 0],
      strides: [2, 2],
    }),
    'dilated conv': conv({ ...odd, dilations: [2, 3], pads: [2, 1, 2, 2] }),
    'conv without bias': conv({ ...odd, bias: false }),
    'grouped conv': conv({ ...odd, group: 2, pads: [1, 1, 1, 0] }),
    'grouped conv, stride 2': conv({ image: [6, 7, 8], out: 9, kernel: [3, 3], group: 3, strides: [2, 2] }),
    'depthwise conv': conv({ image: [5, 8, 7], out: 5, kernel: [3, 3], group: 5, pads: [1, 1, 1, 1] }),
    'depthwise conv, stride 2': conv({
      image: [5, 8, 7],
      out: 5,
      kernel: [5, 5],
      group: 5,
      pads: [2, 2, 2, 2],
      strides: [2, 2],
    }),
    'depthwise conv, three outputs each': conv({ image: [2, 6, 6], out: 6, kernel: [3, 3], group: 2, bias: false }),
    'dilated depthwise conv': conv({
      image: [4, 9, 9],
      out: 4,
      kernel: [3, 3],
      group: 4,
      dilations: [2, 2],
      pads: [2, 2, 2, 2],
    }),
    'conv of one channel': conv({ image: [1, 7, 8], out: 3, kernel: [3, 3], pads: [1, 1, 1, 1] }),
    'conv over one axis': {
      inputs: { x: ['N', 3, 12] },
      stored: { w: weights([4, 3, 3]), b: weights([4], 2) },
      steps: [{ op: 'Conv', in: ['x', 'w', 'b'], out: 'y', with: { pads: [1, 1], strides: [2] } }],
      outputs: ['y'],
    },
  }
}

/** Steps on a map [1, C, H, W]. */
const onMap = (
  steps: Step[],
  stored: Record<string, Stored> = {},
  image: readonly number[] = [4, 7, 6],
): ModelText => ({ inputs: { x: ['N', ...image] }, stored, steps, outputs: ['y'] })

const unary = (op: string, attributes: Step['with'] = {}, stored: Record<string, Stored> = {}): ModelText =>
  onMap([{ op, in: ['x', ...Object.keys(stored)], out: 'y', with: attributes }], stored)

const whole = (values: number[]): Stored => ({ shape: [values.length], values, type: 'int64' })
const single = (value: number): Stored => ({ shape: [], values: [value] })

const pools: Record<string, ModelText> = {}
for (const op of ['MaxPool', 'AveragePool'])
  for (const [kernel, strides, pads] of [
    [
      [2, 2],
      [2, 2],
      [0, 0, 0, 0],
    ],
    [
      [3, 3],
      [2, 2],
      [1, 1, 1, 1],
    ],
    [
      [3, 3],
      [1, 1],
      [1, 1, 1, 1],
    ],
    [
      [3, 2],
      [2, 1],
      [0, 1, 2, 0],
    ],
  ] as const)
    for (const count of op === 'MaxPool' ? [0] : [0, 1])
      pools[`${op} ${kernel}, strides ${strides}, pads ${pads}${count ? ', counted' : ''}`] = unary(op, {
        kernel_shape: kernel,
        strides,
        pads,
        ...(count > 0 && { count_include_pad: count }),
      })

const elementwise: Record<string, ModelText> = {
  ...Object.fromEntries(
    ['Relu', 'Neg', 'Abs', 'Sigmoid', 'Exp', 'Tanh', 'Floor', 'Ceil', 'Round', 'Sign', 'Sin', 'Cos'].map((op) => [
      op,
      unary(op),
    ]),
  ),
  ...Object.fromEntries(['HardSwish', 'LeakyRelu', 'Elu', 'HardSigmoid', 'Softplus'].map((op) => [op, unary(op)])),
  'nearly hard swish': onMap(
    [
      { op: 'Add', in: ['x', 'three'], out: 'a' },
      { op: 'Clip', in: ['a', 'zero', 'five'], out: 'c' },
      { op: 'Mul', in: ['x', 'c'], out: 'm' },
      { op: 'Div', in: ['m', 'six'], out: 'y' },
    ],
    { three: single(3), zero: single(0), five: single(5), six: single(6) },
  ),
  'nearly leaky ReLU': onMap(
    [
      { op: 'Relu', in: ['x'], out: 'a' },
      { op: 'Mul', in: ['x', 'slope'], out: 's' },
      { op: 'Relu', in: ['s'], out: 'b' },
      { op: 'Mul', in: ['b', 'slope'], out: 'c' },
      { op: 'Add', in: ['a', 'c'], out: 'y' },
    ],
    { slope: single(-0.3) },
  ),
  'leaky ReLU of another slope': unary('LeakyRelu', { alpha: { float: 0.3 } }),
  ReLU6: unary('Clip', {}, { low: single(0), high: single(6) }),
  'Clip to -1 and 1': unary('Clip', {}, { low: single(-1), high: single(1) }),
  'Clip to any limits': unary('Clip', {}, { low: single(-0.3), high: single(0.7) }),
  'a factor and a summand for each channel': onMap(
    [
      { op: 'Mul', in: ['x', 'f'], out: 'a' },
      { op: 'Add', in: ['s', 'a'], out: 'y' },
    ],
    { f: weights([4, 1, 1]), s: weights([1, 4, 1, 1], 3) },
  ),
  'a row of the last axis': onMap([{ op: 'Sub', in: ['r', 'x'], out: 'y' }], { r: weights([6]) }),
  'a map of constants': onMap([{ op: 'Div', in: ['x', 'm'], out: 'y' }], { m: weights([4, 7, 6]) }),
  'a constant that makes it larger': onMap(
    [{ op: 'Max', in: ['x', 'm'], out: 'y' }],
    { m: weights([4, 7, 6], 5) },
    [1, 1, 6],
  ),
  'a power': onMap(
    [
      { op: 'Abs', in: ['x'], out: 'a' },
      { op: 'Pow', in: ['a', 'e'], out: 'y' },
    ],
    { e: single(1.5) },
  ),
  'roots, logarithms and reciprocals': onMap([
    { op: 'Abs', in: ['x'], out: 'a' },
    { op: 'Sqrt', in: ['a'], out: 'r' },
    { op: 'Log', in: ['r'], out: 'l' },
    { op: 'Reciprocal', in: ['a'], out: 'i' },
    { op: 'Add', in: ['l', 'i'], out: 'y' },
  ]),
  'squeeze and excitation': onMap(
    [
      { op: 'GlobalAveragePool', in: ['x'], out: 'm' },
      { op: 'Conv', in: ['m', 'w', 'b'], out: 'c' },
      { op: 'HardSigmoid', in: ['c'], out: 'g' },
      { op: 'Mul', in: ['x', 'g'], out: 'y' },
    ],
    { w: weights([4, 4, 1, 1]), b: weights([4], 2) },
  ),
  'a choice by comparison': onMap(
    [
      { op: 'Less', in: ['x', 'z'], out: 'l' },
      { op: 'Mul', in: ['x', 't'], out: 'm' },
      { op: 'Where', in: ['l', 'm', 'x'], out: 'y' },
    ],
    { z: weights([4, 1, 1]), t: single(0.2) },
  ),
  'GELU by its parts': onMap(
    [
      { op: 'Div', in: ['x', 'r'], out: 'd' },
      { op: 'Erf', in: ['d'], out: 'e' },
      { op: 'Add', in: ['e', 'one'], out: 'a' },
      { op: 'Mul', in: ['x', 'a'], out: 'm' },
      { op: 'Mul', in: ['m', 'half'], out: 'y' },
    ],
    { r: single(Math.SQRT2), one: single(1), half: single(0.5) },
  ),
  'batch normalization before a convolution': onMap(
    [
      { op: 'BatchNormalization', in: ['x', 's', 't', 'u', 'v'], out: 'n', with: { epsilon: { float: 1e-3 } } },
      { op: 'Relu', in: ['n'], out: 'y' },
    ],
    {
      s: weights([4], 3),
      t: weights([4], 4),
      u: weights([4], 5),
      v: { shape: [4], values: [0.3, 1.7, 0.9, 2.2] },
    },
  ),
}

const resized = (scales: number[], attributes: Step['with']): ModelText =>
  onMap([{ op: 'Resize', in: ['x', '', 'scales'], out: 'y', with: attributes }], {
    scales: { shape: [4], values: scales },
  })

const linear = { w: weights([168, 5]), b: weights([5], 2) }

const shapes: Record<string, ModelText> = {
  'flattened maps before a linear layer': onMap(
    [
      { op: 'Flatten', in: ['x'], out: 'f' },
      { op: 'Gemm', in: ['f', 'w', 'b'], out: 'y' },
    ],
    linear,
  ),
  'flattened maps that two layers and an output read': {
    ...onMap(
      [
        { op: 'Flatten', in: ['x'], out: 'f' },
        { op: 'Gemm', in: ['f', 'w', 'b'], out: 'y' },
        { op: 'MatMul', in: ['f', 'w'], out: 'z' },
      ],
      linear,
    ),
    outputs: ['y', 'z', 'f'],
  },
  'weights with outputs first, flattened by a reshape': onMap(
    [
      { op: 'Reshape', in: ['x', 's'], out: 'f' },
      { op: 'Gemm', in: ['f', 'w', 'b'], out: 'y', with: { transB: 1 } },
    ],
    { s: whole([0, -1]), w: weights([5, 168]), b: weights([5], 2) },
  ),
  'channel shuffle': onMap(
    [
      { op: 'Reshape', in: ['x', 's'], out: 'a' },
      { op: 'Transpose', in: ['a'], out: 'b', with: { perm: [0, 2, 1, 3, 4] } },
      { op: 'Reshape', in: ['b', 't'], out: 'c' },
      { op: 'Conv', in: ['c', 'w'], out: 'y' },
    ],
    { s: whole([0, 2, 2, 7, 6]), t: whole([0, 4, 7, 6]), w: weights([3, 4, 1, 1]) },
  ),
  'space to depth': onMap([{ op: 'SpaceToDepth', in: ['x'], out: 'y', with: { blocksize: 2 } }], {}, [3, 8, 6]),
  'depth to space': onMap([{ op: 'DepthToSpace', in: ['x'], out: 'y', with: { blocksize: 2 } }]),
  'rows and columns exchanged': unary('Transpose', { perm: [0, 1, 3, 2] }),
  'places as a sequence': {
    ...onMap(
      [
        { op: 'Reshape', in: ['x', 's'], out: 'a' },
        { op: 'Transpose', in: ['a'], out: 'b', with: { perm: [0, 2, 1] } },
        { op: 'MatMul', in: ['b', 'w'], out: 'y' },
      ],
      { s: whole([0, 4, 42]), w: weights([4, 3]) },
    ),
  },
  attention: onMap(
    [
      { op: 'Reshape', in: ['x', 's'], out: 'a' },
      { op: 'Transpose', in: ['a'], out: 'k', with: { perm: [0, 1, 3, 2] } },
      { op: 'MatMul', in: ['a', 'k'], out: 'q' },
      { op: 'Softmax', in: ['q'], out: 'p', with: { axis: -1 } },
      { op: 'MatMul', in: ['p', 'a'], out: 'y' },
    ],
    { s: whole([0, 2, 21, 4]) },
  ),
  concatenation: onMap(
    [
      { op: 'MaxPool', in: ['x'], out: 'm', with: { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] } },
      { op: 'Concat', in: ['x', 'm', 'k'], out: 'y', with: { axis: 1 } },
    ],
    { k: weights([1, 2, 7, 6]) },
  ),
  slices: onMap([{ op: 'Slice', in: ['x', 's', 'e', 'a', 't'], out: 'y' }], {
    s: whole([1, 2]),
    e: whole([7, 4]),
    a: whole([2, 1]),
    t: whole([2, 1]),
  }),
  'padding with zeros': onMap([{ op: 'Pad', in: ['x', 'p'], out: 'y' }], { p: whole([0, 1, 2, 0, 0, 0, 1, 3]) }),
  'reflected borders': onMap([{ op: 'Pad', in: ['x', 'p'], out: 'y', with: { mode: 'reflect' } }], {
    p: whole([0, 0, 2, 1, 0, 0, 1, 2]),
  }),
  'channels picked': onMap([{ op: 'Gather', in: ['x', 'i'], out: 'y', with: { axis: 1 } }], { i: whole([3, -4, 1]) }),
  expanded: onMap([{ op: 'Expand', in: ['x', 's'], out: 'y' }], { s: whole([1, 4, 7, 6]) }, [1, 7, 1]),
  'nearest neighbours, twice as large': resized([1, 1, 2, 2], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }),
  'nearest neighbours, to another size': resized([1, 1, 1.7, 0.6], {
    mode: 'nearest',
    coordinate_transformation_mode: 'half_pixel',
    nearest_mode: 'round_prefer_ceil',
  }),
  'bilinear, twice as large': resized([1, 1, 2, 2], { mode: 'linear' }),
  'bilinear, larger': resized([1, 1, 2.5, 3], { mode: 'linear' }),
  'bilinear, from the corner': resized([1, 1, 2, 3], { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }),
  'bilinear along the columns': resized([1, 1, 1, 2], { mode: 'linear' }),
  bicubic: resized([1, 1, 2, 2], { mode: 'cubic' }),
  'bilinear, half as large': resized([1, 1, 0.5, 0.5], { mode: 'linear' }),
  'bilinear, to another size': onMap(
    [
      {
        op: 'Resize',
        in: ['x', '', '', 'to'],
        out: 'y',
        with: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
      },
    ],
    { to: whole([1, 4, 11, 9]) },
  ),
  'softmax over channels': unary('Softmax', { axis: 1 }),
  'softmax over rows': unary('Softmax', { axis: 2 }),
  'means over other axes': onMap([{ op: 'ReduceMean', in: ['x'], out: 'y', with: { axes: [1, 3], keepdims: 0 } }]),
  'sums over channels': onMap([{ op: 'ReduceSum', in: ['x', 'a'], out: 'y', with: { keepdims: 1 } }], {
    a: whole([1]),
  }),
  'largest, smallest, products': onMap([
    { op: 'ReduceMax', in: ['x'], out: 'a', with: { axes: [2], keepdims: 0 } },
    { op: 'ReduceMin', in: ['x'], out: 'b', with: { axes: [2], keepdims: 0 } },
    { op: 'Add', in: ['a', 'b'], out: 'c' },
    { op: 'ReduceProd', in: ['c'], out: 'y', with: { axes: [1], keepdims: 0 } },
  ]),
  'transposed convolution': onMap(
    [{ op: 'ConvTranspose', in: ['x', 'w', 'b'], out: 'y', with: { strides: [2, 2], pads: [1, 0, 0, 1] } }],
    { w: weights([4, 3, 3, 2]), b: weights([3], 2) },
  ),
  'transposed convolution, more at the end': onMap(
    [
      {
        op: 'ConvTranspose',
        in: ['x', 'w'],
        out: 'y',
        with: { strides: [3, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
      },
    ],
    { w: weights([4, 2, 2, 3]) },
  ),
  'instance normalization': onMap([{ op: 'InstanceNormalization', in: ['x', 's', 't'], out: 'y' }], {
    s: weights([4]),
    t: weights([4], 2),
  }),
  'a model that takes images [N, H, W, C]': {
    inputs: { x: ['N', 9, 8, 3] },
    stored: { w: weights([4, 3, 3, 3]) },
    steps: [
      { op: 'Transpose', in: ['x'], out: 'a', with: { perm: [0, 3, 1, 2] } },
      { op: 'Conv', in: ['a', 'w'], out: 'b', with: { strides: [2, 2], pads: [1, 1, 1, 1] } },
      { op: 'Relu', in: ['b'], out: 'c' },
      { op: 'GlobalMaxPool', in: ['c'], out: 'd' },
      { op: 'Flatten', in: ['d'], out: 'y' },
    ],
    outputs: ['y'],
  },
  'a row': {
    inputs: { x: ['N', 12] },
    stored: { w: weights([12, 4]), v: weights([4, 3], 2) },
    steps: [
      { op: 'MatMul', in: ['x', 'w'], out: 'a' },
      { op: 'Tanh', in: ['a'], out: 'b' },
      { op: 'MatMul', in: ['b', 'v'], out: 'c' },
      { op: 'Softmax', in: ['c'], out: 'y' },
    ],
    outputs: ['y'],
  },
  'outputs that are inputs, or one another': {
    ...onMap([
      { op: 'Identity', in: ['x'], out: 'y' },
      { op: 'Relu', in: ['x'], out: 'z' },
      { op: 'Identity', in: ['z'], out: 'u' },
    ]),
    outputs: ['y', 'z', 'u'],
  },
  'two inputs': {
    inputs: { x: [1, 4, 5], z: [1, 5, 3] },
    steps: [{ op: 'MatMul', in: ['x', 'z'], out: 'y' }],
    outputs: ['y'],
  },
}

export const cases: Readonly<Record<string, ModelText>> = { ...convolutions(), ...pools, ...elementwise, ...shapes }
