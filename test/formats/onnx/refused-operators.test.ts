import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { translators } from '../../../src/formats/onnx/operators/index.ts'
import { Unsupported } from '../../../src/formats/onnx/scope.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { best } from '../../support/engines.ts'
import { type Attribute, type Step, type Written, written } from './build.ts'
import { normal } from './same.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })

const stored: Written['stored'] = {
  w: floats([3, 4, 2, 2], 'w'),
  b: floats([4], 'b'),
  four: { shape: [4], values: [1, 2, 3, 4] },
  matrix: floats([80, 3], 'm'),
  column: floats([4, 1], 'c'),
  one: { shape: [], values: [1] },
  yes: { shape: [], values: [1], type: DataType.BOOL },
  half: { shape: [], values: [0.5] },
  first: whole(0),
  none: whole(),
  pads: whole(0, 0, 1, 0, 0, 0, 0, 0),
  mixed: whole(-1, 5),
  wide: whole(3, 80),
}
const norm = ['x', 'four', 'four', 'four', 'four']

/** Why a model of these steps, or of the whole file, cannot be run. Its weights are read all the same. */
function refusal(steps: Step[], more: Partial<Written> = {}, change?: (bytes: Uint8Array) => Uint8Array): string {
  const bytes = written({ input: [-1, 4, 4, 5], stored, steps, ...more })
  const { onnx, tensors } = readOnnx(change ? change(bytes) : bytes, 'm.onnx')
  if (!(onnx.network instanceof Unsupported)) return 'it runs'
  expect(tensors.get('w')?.shape).toEqual([3, 4, 2, 2])
  return onnx.network.message
}

type Refused = [
  what: string,
  op: string,
  inputs: string[],
  attributes: Record<string, Attribute>,
  opset: number,
  text: string,
]
const one: Refused[] = [
  ['casts to what is unknown', 'Cast', ['x'], { to: 99 }, 17, 'a cast of computed values to 99'],
  ['statistics of the batch', 'BatchNormalization', norm, { training_mode: 1 }, 17, 'by the statistics of the batch'],
  ['normalizations per place', 'BatchNormalization', norm, { spatial: 0 }, 7, 'spatial=0'],
  ['dropout that is random', 'Dropout', ['x', 'half', 'yes'], {}, 17, 'its training_mode is true'],
  ['dropout that may be random', 'Dropout', ['x', 'half', 'x'], {}, 17, 'its training_mode is computed while'],
  [
    'kernels of another size',
    'Conv',
    ['x', 'w'],
    { kernel_shape: [3, 3] },
    17,
    'its kernel_shape is [3,3], but its weight is [3,4,2,2]',
  ],
  [
    'both pads and auto_pad',
    'Conv',
    ['x', 'w'],
    { auto_pad: 'VALID', pads: [1, 0, 0, 0] },
    17,
    'both auto_pad VALID and pads',
  ],
  ['an unknown auto_pad', 'Conv', ['x', 'w'], { auto_pad: 'SOME' }, 17, 'found SOME'],
  ['pads that crop', 'Conv', ['x', 'w'], { pads: [-1, 0, 0, 0] }, 17, 'expected 4 pads of at least 0'],
  ['a bias of another size', 'Conv', ['x', 'w', 'b'], {}, 17, 'expected a bias of 3 values, found [4]'],
  ['samples without their axis', 'Squeeze', ['x', 'first'], {}, 17, 'expected axes of size 1, found axes [0]'],
  [
    'a number of samples that is no file’s',
    'Reshape',
    ['x', 'wide'],
    {},
    17,
    'cannot give [23,4,4,5] the shape [3,80]',
  ],
  ['attributes of the past', 'Add', ['x', 'one'], { broadcast: 1 }, 17, 'its attribute broadcast is not supported'],
  [
    'attributes as inputs and inputs as attributes',
    'Clip',
    ['x', 'one'],
    { min: { float: 0 } },
    17,
    'its attribute min is not supported',
  ],
  ['inputs of the future', 'Relu', ['x', 'one'], {}, 17, 'it has 2 inputs, and only 1 of Relu are supported'],
  [
    'attributes of another type',
    'Concat',
    ['x', 'x'],
    { axis: { float: 1 } },
    17,
    'attribute axis has the type FLOAT, expected INT',
  ],
  ['what runs of constants alone', 'ConstantOfShape', ['x'], {}, 17, 'ConstantOfShape runs here of constants alone'],
]

describe('what a node asks for and is not honoured', () => {
  it.each(one)(
    '%s: refused, naming file and node, and weights are read',
    (_what, op, inputs, attributes, opset, text) => {
      const said = refusal([{ op, inputs, attributes }], { opset })
      expect(said).toContain(text)
      expect(said).toMatch(new RegExp(`^m\\.onnx: node y \\(${op}\\): .`))
    },
  )

  it.each<[what: string, op: string, inputs: string[], attributes: Record<string, Attribute>, shape: string]>([
    ['a mean over samples', 'ReduceMean', ['x'], { axes: [0] }, '[1,4,4,5]'],
    ['a sum over everything', 'ReduceSum', ['x'], {}, '[1,1,1,1]'],
    ['samples that are mixed', 'Reshape', ['x', 'mixed'], {}, '[368,5]'],
    ['samples that are rows of a map', 'Flatten', ['x'], { axis: 2 }, '[92,20]'],
    ['all samples as one', 'Flatten', ['x'], { axis: 0 }, '[1,1840]'],
    ['the first sample', 'Gather', ['x', 'first'], {}, '[1,4,4,5]'],
    ['samples one after another', 'Concat', ['x', 'x'], { axis: 0 }, '[46,4,4,5]'],
  ])('%s: refused, since the file may be given any number of samples', (_what, op, inputs, attributes, shape) => {
    expect(refusal([{ op, inputs, attributes }])).toBe(
      `m.onnx: its output y ${shape} is not computed for each sample of a batch of 23`,
    )
  })

  it.each([
    ['the mask of a dropout', { op: 'Dropout', inputs: ['x'], outputs: ['d', 'mask'] }, 'mask', 'node d (Dropout)'],
    [
      'the places of a pooling',
      { op: 'MaxPool', inputs: ['x'], attributes: { kernel_shape: [2, 2] }, outputs: ['d', 'places'] },
      'places',
      'node d (MaxPool)',
    ],
  ])('%s: refused, and not where nothing reads it', (_what, step: Step, output, maker) => {
    const said = refusal([step, { op: 'Add', inputs: ['d', output] }])
    expect(said).toContain(`m.onnx: node y (Add) reads ${output}, an output of ${maker} that is not computed here`)
    expect(refusal([step, { op: 'Relu', inputs: ['d'] }])).toBe('it runs')
  })

  it('statistics of the batch as outputs, before opset 14', () => {
    const outputs = ['d', 'mean', 'var', 'saved_mean', 'saved_var']
    const steps: Step[] = [
      { op: 'BatchNormalization', inputs: norm, outputs },
      { op: 'Relu', inputs: ['d'] },
    ]
    expect(refusal(steps, { opset: 9 })).toContain(
      'm.onnx: node d (BatchNormalization): it normalizes by the statistics',
    )
  })

  it('doubles that single precision cannot hold', () => {
    const matrix = {
      shape: [80, 1],
      values: Array.from({ length: 80 }, (_, i) => (i === 7 ? 1e300 : 1)),
      type: DataType.DOUBLE,
    }
    const steps: Step[] = [
      { op: 'Flatten', inputs: ['x'] },
      { op: 'MatMul', inputs: ['v1', 'matrix'] },
    ]
    expect(refusal(steps, { stored: { ...stored, matrix } })).toContain(
      'node y (MatMul): a constant of 1e+300 is beyond',
    )
  })

  it('a bias of one number per sample', () => {
    const steps: Step[] = [
      { op: 'Flatten', inputs: ['x'] },
      { op: 'Gemm', inputs: ['v1', 'matrix', 'column'] },
    ]
    expect(refusal(steps)).toContain('node y (Gemm): Add: shapes cannot be broadcast together: [23, 3] and [4, 1]')
  })

  it('outputs that are no floats, and such that no sample has', () => {
    const relu: Step[] = [{ op: 'Relu', inputs: ['x'] }]
    const integers = refusal(relu, {}, (bytes) => {
      const model = fromBinary(ModelProtoSchema, bytes)
      const type = model.graph!.input[0].type!.value
      if (type.case === 'tensorType') type.value.elemType = DataType.UINT8
      return toBinary(ModelProtoSchema, model)
    })
    expect(integers).toBe('m.onnx: its output y holds no floats')
    const first = (name: string) => (bytes: Uint8Array) => {
      const model = fromBinary(ModelProtoSchema, bytes)
      model.graph!.output.unshift(create(ValueInfoProtoSchema, { name }))
      return toBinary(ModelProtoSchema, model)
    }
    expect(refusal(relu, {}, first('w'))).toContain('m.onnx: its output w [3,4,2,2] is not computed for each sample')
  })

  it('an error of ours is one of the file, too, and says so', () => {
    const relu = translators.Relu
    Object.assign(translators, {
      Relu: () => {
        throw new TypeError('x is not a function')
      },
    })
    try {
      expect(refusal([{ op: 'Relu', inputs: ['x'] }])).toContain(
        'm.onnx: node y (Relu): an internal error (x is not a function)',
      )
    } finally {
      Object.assign(translators, { Relu: relu })
    }
  })
})

it('defaults that are written out change nothing', () => {
  const spelled: Step[] = [
    {
      op: 'Conv',
      inputs: ['x', 'w'],
      attributes: {
        auto_pad: 'NOTSET',
        dilations: [1, 1],
        group: 1,
        kernel_shape: [2, 2],
        pads: [0, 0, 0, 0],
        strides: [1, 1],
      },
    },
    {
      op: 'MaxPool',
      inputs: ['v1'],
      attributes: {
        auto_pad: 'NOTSET',
        ceil_mode: 0,
        dilations: [1, 1],
        kernel_shape: [2, 2],
        pads: [0, 0, 0, 0],
        storage_order: 0,
        strides: [1, 1],
      },
    },
    {
      op: 'AveragePool',
      inputs: ['v2'],
      attributes: {
        auto_pad: 'NOTSET',
        ceil_mode: 0,
        count_include_pad: 0,
        dilations: [1, 1],
        kernel_shape: [1, 1],
        pads: [0, 0, 0, 0],
        strides: [1, 1],
      },
    },
    { op: 'Cast', inputs: ['v3'], attributes: { to: 1, saturate: 1 } },
    { op: 'Dropout', inputs: ['v4'], attributes: { seed: 0 } },
    { op: 'Pad', inputs: ['v5', 'pads'], attributes: { mode: 'constant' } },
    { op: 'ReduceMean', inputs: ['v6', 'none'], attributes: { keepdims: 1, noop_with_empty_axes: 1 } },
    { op: 'Flatten', inputs: ['v7'], attributes: { axis: 1 } },
    { op: 'Shape', inputs: ['v8'], attributes: { start: 0 } },
    { op: 'Reshape', inputs: ['v8', 'v9'], attributes: { allowzero: 0 } },
  ]
  const bytes = written({ input: [-1, 4, 4, 5], stored, steps: spelled, opset: 19 })
  const network = new SparseModel(readOnnx(bytes, 'm.onnx'), { machine: best })
  expect(network.model.classes).toBe(3 * 3 * 3)
})
