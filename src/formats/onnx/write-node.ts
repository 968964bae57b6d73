/** @file Nodes of our graphs as ONNX has them (opset 17): forward operators only. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type NodeProtoSchema,
  type TensorProtoSchema,
} from 'onnx-buf'
import type { Attributes, Node } from '../../graph/operator.ts'
import { transposes } from '../../graph/operators/linear.ts'
import { type Shape, sameShape, type Tensor } from '../../graph/tensor.ts'

export type NodeInit = MessageInitShape<typeof NodeProtoSchema>
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>
type Attribute = MessageInitShape<typeof AttributeProtoSchema>

/** The version of ONNX's operators that is written: the newest that nearly every runtime reads. */
export const OPSET = 17

/** One of our nodes, and a name for values in between. */
interface Written {
  node: Node
  input: string[]
  output: string[]
  stem: string
}

type Write = (written: Written) => NodeInit[]

/**
 * The ONNX nodes of one of ours; `stem` makes names for values in between. Throws where ONNX has no such
 * operator.
 */
export function writeNode(node: Node, stem: string): NodeInit[] {
  const { operator, inputs, outputs } = node
  if (!Object.hasOwn(writers, operator.name)) throw new Error(`${operator.name} is no ONNX operator`)
  const [input, output] = [inputs, outputs].map((tensors) => tensors.map(({ name }) => name))
  return writers[operator.name]({ node, input, output, stem })
}

export const integer = (name: string, value: number): Attribute => ({ name, type: AttributeType.INT, i: BigInt(value) })
const integers = (name: string, values: readonly number[]): Attribute => ({
  name,
  type: AttributeType.INTS,
  ints: values.map(BigInt),
})
const float = (name: string, f: number): Attribute => ({ name, type: AttributeType.FLOAT, f })

/** The lists of numbers among a node's attributes, under the same names. */
const lists = (attributes: Attributes, ...names: string[]) =>
  names.filter((name) => name in attributes).map((name) => integers(name, attributes[name] as readonly number[]))
const counts = (attributes: Attributes, ...names: string[]) =>
  names.filter((name) => name in attributes).map((name) => integer(name, attributes[name] as number))

/** The operator of the same name, with some of the attributes. */
const same =
  (attributesOf: (attributes: Attributes) => Attribute[] = () => []): Write =>
  ({ node: { operator, attributes }, input, output }) => [
    { opType: operator.name, input, output, attribute: attributesOf(attributes) },
  ]

/** An operator with more inputs: whole numbers that ONNX takes as tensors. */
function withNumbers(
  written: Written,
  numbers: readonly (readonly number[])[],
  more: Attribute[] = [],
  opType = written.node.operator.name,
) {
  const { input, output, stem } = written
  return [
    ...numbers.map((values, i): NodeInit => {
      const value: Attribute = { name: 'value', type: AttributeType.TENSOR, t: wholeNumbers(values) }
      return { opType: 'Constant', output: [`${stem}.${i}`], attribute: [value] }
    }),
    { opType, input: [...input, ...numbers.map((_, i) => `${stem}.${i}`)], output, attribute: more },
  ]
}

const grid = ({ attributes }: Node) => ['starts', 'steps', 'shape'].map((name) => attributes[name] as Shape)

/**
 * A shape whose samples are as many as those of the input, whatever their number (Reshape takes 0 so, Expand
 * 1).
 */
const anyBatch = (shape: Shape, [x]: readonly Tensor[], [y]: readonly Tensor[], like: number) =>
  x.batched && y.batched && x.shape[0] === shape[0] ? [like, ...shape.slice(1)] : shape

/**
 * The shape that a Reshape asks for; where samples are joined with what follows them, or apart again, any
 * number.
 */
const askedShape = (inputs: readonly Tensor[], outputs: readonly Tensor[]) => {
  const [[x], [y]] = [inputs, outputs]
  return x.batched === y.batched ? anyBatch(y.shape, inputs, outputs, 0) : [-1, ...y.shape.slice(1)]
}

/** What changes the layout alone changes nothing in ONNX. */
const reshape: Write = (written) => {
  const { inputs, outputs } = written.node
  if (sameShape(inputs[0].shape, outputs[0].shape))
    return [{ opType: 'Identity', input: written.input, output: written.output }]
  return withNumbers(written, [askedShape(inputs, outputs)], [], 'Reshape')
}

/** A matrix product whose operands' last two axes are exchanged before it, where it says so. */
const batchMatMul: Write = ({ node: { inputs, attributes }, input, output, stem }) => {
  const { transA, transB } = transposes(attributes)
  const isTransposed = [transA, transB].map((trans) => trans === 1)
  const factors = input.map((name, i) => (isTransposed[i] ? `${stem}.${i}` : name))
  const exchanged = inputs.flatMap(({ shape: { length } }, i): NodeInit[] => {
    const perm = Array.from({ length }, (_, axis) => axis)
    const attribute = [integers('perm', [...perm.slice(0, -2), length - 1, length - 2])]
    return isTransposed[i] ? [{ opType: 'Transpose', input: [input[i]], output: [factors[i]], attribute }] : []
  })
  return [...exchanged, { opType: 'MatMul', input: factors, output }]
}

/** ONNX has booleans where we have 0 and 1. */
const comparison: Write = ({ node: { operator }, input, output, stem }) => [
  { opType: operator.name, input, output: [stem] },
  { opType: 'Cast', input: [stem], output, attribute: [integer('to', DataType.FLOAT)] },
]

/** Operators without attributes that are ONNX's. */
const ALIKE =
  'Neg Relu Abs Add Sub Mul Div Pow Max Min MatMul Sqrt Reciprocal Sigmoid Clip Exp Log Tanh Erf Floor Ceil Round Sign Sin Cos Atan'

const writers: Record<string, Write> = {
  ...Object.fromEntries(ALIKE.split(' ').map((name) => [name, same()] as const)),
  Fmod: ({ input, output }) => [{ opType: 'Mod', input, output, attribute: [integer('fmod', 1)] }],
  ...Object.fromEntries(['Less', 'LessOrEqual', 'Equal'].map((name) => [name, comparison])),
  Where: ({ input: [condition, ...rest], output, stem }) => [
    { opType: 'Cast', input: [condition], output: [stem], attribute: [integer('to', DataType.BOOL)] },
    { opType: 'Where', input: [stem, ...rest], output },
  ],
  ...Object.fromEntries(
    ['ReduceMax', 'ReduceMin', 'ReduceProd'].map((name) => [
      name,
      same((all) => [...lists(all, 'axes'), ...counts(all, 'keepdims')]),
    ]),
  ),
  Flatten: same(),
  Softmax: same((attributes) => counts(attributes, 'axis')),
  BatchMatMul: batchMatMul,
  Gemm: same((attributes) => counts(attributes, 'transA', 'transB')),
  // Some runtimes take neither the kernel's shape from the weight nor dilations of 1 for granted.
  Conv: ({ node: { attributes, inputs }, input, output }) => [
    {
      opType: 'Conv',
      input,
      output,
      attribute: [
        integers('kernel_shape', inputs[1].shape.slice(2)),
        ...lists({ dilations: [1, 1], ...attributes }, 'strides', 'pads', 'dilations'),
        ...counts(attributes, 'group'),
      ],
    },
  ],
  BatchNormalization: same((attributes) => [float('epsilon', attributes.epsilon as number)]),
  // The second output, places, is another type in ONNX and counts on over samples and channels.
  MaxPool: ({ node: { attributes }, input, output }) => [
    {
      opType: 'MaxPool',
      input,
      output: output.slice(0, 1),
      attribute: lists(attributes, 'kernel_shape', 'strides', 'pads'),
    },
  ],
  AveragePool: same((attributes) => [
    ...lists(attributes, 'kernel_shape', 'strides', 'pads'),
    ...counts(attributes, 'count_include_pad'),
  ]),
  // Places are floats here.
  Gather: ({ node: { attributes }, input: [x, index], output, stem }) => [
    { opType: 'Cast', input: [index], output: [stem], attribute: [integer('to', DataType.INT64)] },
    { opType: 'Gather', input: [x, stem], output, attribute: counts(attributes, 'axis') },
  ],
  Concat: same((attributes) => counts(attributes, 'axis')),
  Transpose: same((attributes) => lists(attributes, 'perm')),
  Slice: (written) => {
    const [starts, steps, shape] = grid(written.node)
    const ends = starts.map((start, i) => start + (shape[i] - 1) * steps[i] + 1)
    const axes = starts.map((_, i) => i).slice(written.node.inputs[0].batched ? 1 : 0)
    return withNumbers(written, [
      ...[starts, ends].map((list) => axes.map((axis) => list[axis])),
      axes,
      axes.map((axis) => steps[axis]),
    ])
  },
  Place: (written) => {
    const [starts, steps, shape] = grid(written.node)
    if (steps.some((step) => step !== 1)) throw new Error('Place with steps is no ONNX operator')
    const after = shape.map((n, i) => n - starts[i] - written.node.inputs[0].shape[i])
    return withNumbers(written, [[...starts, ...after]], [], 'Pad')
  },
  Reshape: reshape,
  Expand: (written) => {
    const { inputs, outputs } = written.node
    return withNumbers(written, [anyBatch(outputs[0].shape, inputs, outputs, 1)])
  },
  ReduceSum: (written) =>
    withNumbers(written, [written.node.attributes.axes as Shape], counts(written.node.attributes, 'keepdims')),
  ReduceMean: (written) => {
    const { attributes, inputs } = written.node
    const { axes, keepdims = 1 } = attributes
    if (inputs[0].shape.length === 4 && String(axes) === '2,3' && keepdims === 1)
      return [{ opType: 'GlobalAveragePool', input: written.input, output: written.output }]
    return same((all) => [...lists(all, 'axes'), ...counts(all, 'keepdims')])(written)
  },
  SoftmaxCrossEntropyLoss: ({ input, output, stem }) => [
    { opType: 'Cast', input: [input[1]], output: [stem], attribute: [integer('to', DataType.INT64)] },
    {
      opType: 'SoftmaxCrossEntropyLoss',
      input: [input[0], stem],
      output,
      attribute: [{ name: 'reduction', type: AttributeType.STRING, s: new TextEncoder().encode('none') }],
    },
  ],
}

export function wholeNumbers(numbers: readonly number[]): TensorInit {
  const rawData = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer)
  return { dims: [BigInt(numbers.length)], dataType: DataType.INT64, rawData }
}
