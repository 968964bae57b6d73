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
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 as const }
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
  /** The operator with one more input: whole numbers that ONNX takes as a tensor. */
  const withNumbers = (numbers: readonly number[], more: Attribute[] = []): NodeProto[] => [
    {
      opType: 'Constant',
      output: [stem],
      attribute: [{ name: 'value', type: AttributeType.TENSOR, t: wholeNumbers(numbers) }],
    },
    { opType: operator.name, input: [...input, stem], output, attribute: more },
  ]
  switch (operator.name) {
    case 'Neg':
    case 'Relu':
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'MatMul':
    case 'Flatten':
      return [{ opType: operator.name, input, output }]
    case 'Softmax':
      return [{ opType: operator.name, input, output, attribute: 'axis' in attributes ? [integer('axis')] : [] }]
    case 'Gemm':
      return [{ opType: operator.name, input, output, attribute: [integer('transA'), integer('transB')] }]
    case 'Reshape':
    case 'Expand':
      return withNumbers(attributes.shape as Shape)
    case 'ReduceSum':
    case 'ReduceMean':
      return withNumbers(attributes.axes as Shape, [integer('keepdims')])
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
