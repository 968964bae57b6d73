/**
 * @file Graphs as ONNX models (opset 18), to be run by ONNX Runtime: forward operators only. Inputs, parameters and
 * states all become inputs of the model.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { Graph } from '../../src/graph/graph.ts'
import type { Node } from '../../src/graph/operator.ts'
import { type Shape, sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { given, type Values } from './evaluate.ts'

type NodeProto = MessageInitShape<typeof NodeProtoSchema>
type TensorProto = MessageInitShape<typeof TensorProtoSchema>
type Attribute = MessageInitShape<typeof AttributeProtoSchema>

/** The bytes of an ONNX model. Throws where an operator is not ONNX's. */
export function toOnnx(graph: Graph): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 18n }],
    graph: {
      name: 'graph',
      input: given(graph).map(({ name, shape }) => valueInfo(name, shape)),
      initializer: graph.withRole('constant').map(constant),
      node: [
        ...graph.nodes.flatMap((node, i) => nodes(node, `node${i}`)),
        // An output may be an input, or have two names.
        ...[...graph.outputs].map(([name, { name: from }]) => ({
          opType: 'Identity',
          input: [from],
          output: [outputName(name)],
        })),
      ],
      output: [...graph.outputs].map(([name, { shape }]) => valueInfo(outputName(name), shape)),
    },
  })
  return toBinary(ModelProtoSchema, model)
}

/** The outputs of a graph, computed by ONNX Runtime. */
export async function runOnnx(graph: Graph, values: Values): Promise<Map<string, Float32Array>> {
  // Its optimizer moves padding into pooling, where more than the kernel is refused then.
  const graphOptimizationLevel = 'disabled' as const
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 as const, graphOptimizationLevel }
  const session = await InferenceSession.create(toOnnx(graph), options)
  const feeds = given(graph).map(({ name, shape }) => {
    return [name, new OrtTensor('float32', Float32Array.from(values.get(name)!), shape)] as const
  })
  const results = await session.run(Object.fromEntries(feeds))
  const outputs = [...graph.outputs.keys()].map((name) => {
    return [name, results[outputName(name)].data as Float32Array] as const
  })
  await session.release()
  return new Map(outputs)
}

const outputName = (name: string) => `output ${name}`

/** The ONNX nodes of one of ours; `stem` makes names for values in between. */
function nodes({ operator, inputs, outputs, attributes }: Node, stem: string): NodeProto[] {
  const input = inputs.map(({ name }) => name)
  const output = outputs.map(({ name }) => name)
  const integer = (name: string): Attribute => ({
    name,
    type: AttributeType.INT,
    i: BigInt(attributes[name] as number),
  })
  const integers = (name: string): Attribute => ({
    name,
    type: AttributeType.INTS,
    ints: (attributes[name] as readonly number[]).map(BigInt),
  })
  /** An operator with more inputs: whole numbers that ONNX takes as tensors. */
  const withNumbers = (lists: readonly (readonly number[])[], more: Attribute[] = [], opType = operator.name) => [
    ...lists.map((numbers, i): NodeProto => {
      const value: Attribute = { name: 'value', type: AttributeType.TENSOR, t: wholeNumbers(numbers) }
      return { opType: 'Constant', output: [`${stem}.${i}`], attribute: [value] }
    }),
    { opType, input: [...input, ...lists.map((_, i) => `${stem}.${i}`)], output, attribute: more },
  ]
  const convAttributes = () => [
    ...['strides', 'pads', 'dilations'].filter((name) => name in attributes).map(integers),
    ...('group' in attributes ? [integer('group')] : []),
  ]
  switch (operator.name) {
    case 'Neg':
    case 'Relu':
    case 'Abs':
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'MatMul':
    case 'Flatten':
    case 'Sqrt':
    case 'Reciprocal':
    case 'Sigmoid':
    case 'Clip':
      return [{ opType: operator.name, input, output }]
    case 'Softmax':
      return [{ opType: operator.name, input, output, attribute: 'axis' in attributes ? [integer('axis')] : [] }]
    case 'Gemm':
      return [{ opType: operator.name, input, output, attribute: [integer('transA'), integer('transB')] }]
    case 'Conv':
      return [{ opType: 'Conv', input, output, attribute: convAttributes() }]
    case 'BatchNormalization': {
      const epsilon: Attribute = { name: 'epsilon', type: AttributeType.FLOAT, f: attributes.epsilon as number }
      return [{ opType: 'BatchNormalization', input, output, attribute: [epsilon] }]
    }
    // The second output, places, is another type in ONNX and counts on over samples and channels.
    case 'MaxPool':
      return [
        {
          opType: 'MaxPool',
          input,
          output: output.slice(0, 1),
          attribute: ['kernel_shape', 'strides', 'pads'].map(integers),
        },
      ]
    case 'AveragePool':
      return [
        {
          opType: 'AveragePool',
          input,
          output,
          attribute: [...['kernel_shape', 'strides', 'pads'].map(integers), integer('count_include_pad')],
        },
      ]
    case 'Concat':
      return [{ opType: 'Concat', input, output, attribute: [integer('axis')] }]
    case 'Slice': {
      const [starts, steps, shape] = ['starts', 'steps', 'shape'].map((name) => attributes[name] as Shape)
      const ends = starts.map((start, i) => start + (shape[i] - 1) * steps[i] + 1)
      return withNumbers([starts, ends, starts.map((_, i) => i), steps])
    }
    case 'Place': {
      const [starts, steps, shape] = ['starts', 'steps', 'shape'].map((name) => attributes[name] as Shape)
      if (steps.some((step) => step !== 1)) throw new Error('Place with steps is no ONNX operator')
      const after = shape.map((n, i) => n - starts[i] - inputs[0].shape[i])
      return withNumbers([[...starts, ...after]], [], 'Pad')
    }
    case 'Reshape':
    case 'Expand':
      return withNumbers([attributes.shape as Shape])
    case 'ReduceSum':
    case 'ReduceMean':
      return withNumbers([attributes.axes as Shape], [integer('keepdims')])
    case 'SoftmaxCrossEntropyLoss':
      return [
        {
          opType: 'Cast',
          input: [input[1]],
          output: [stem],
          attribute: [{ name: 'to', type: AttributeType.INT, i: BigInt(DataType.INT64) }],
        },
        {
          opType: operator.name,
          input: [input[0], stem],
          output,
          attribute: [{ name: 'reduction', type: AttributeType.STRING, s: new TextEncoder().encode('none') }],
        },
      ]
    default:
      throw new Error(`${operator.name} is no ONNX operator`)
  }
}

const dims = (shape: Shape) => shape.map(BigInt)

function constant({ name, shape, values }: Tensor): TensorProto {
  const all = typeof values === 'number' ? new Float32Array(sizeOf(shape)).fill(values) : Float32Array.from(values!)
  return { name, dims: dims(shape), dataType: DataType.FLOAT, rawData: new Uint8Array(all.buffer) }
}

function wholeNumbers(numbers: readonly number[]): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer)
  return { dims: [BigInt(numbers.length)], dataType: DataType.INT64, rawData }
}

function valueInfo(name: string, shape: Shape): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims(shape).map((value) => ({ value: { case: 'dimValue' as const, value } }))
  return { name, type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT, shape: { dim } } } } }
}
