/** @file Small ONNX models written by hand, as other tools write them. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type TensorProtoSchema,
} from 'onnx-buf'

type Attribute = number | string | readonly number[] | { float: number }

export interface Step {
  op: string
  inputs: string[]
  /** Default: the next of v1, v2, ... */
  output?: string
  attributes?: Record<string, Attribute>
}

export interface Written {
  /** With -1 where the file leaves the size open. */
  input: readonly number[]
  /** Floats by name, or whole numbers. */
  stored?: Record<string, { shape: readonly number[]; values: readonly number[]; whole?: boolean }>
  /** The last one gives the output y. */
  steps: readonly Step[]
  opset?: number
}

export function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
  whole = false,
): MessageInitShape<typeof TensorProtoSchema> {
  const data = whole ? BigInt64Array.from(values, BigInt) : Float32Array.from(values)
  return {
    name,
    dims: shape.map(BigInt),
    dataType: whole ? DataType.INT64 : DataType.FLOAT,
    rawData: new Uint8Array(data.buffer),
  }
}

function attribute([name, value]: [string, Attribute]): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float }
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
}

const info = (name: string, shape: readonly number[]) => {
  const dim = shape.map((n) =>
    n < 0
      ? { value: { case: 'dimParam' as const, value: 'N' } }
      : { value: { case: 'dimValue' as const, value: BigInt(n) } },
  )
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType: DataType.FLOAT, shape: { dim } } } } }
}

/** The bytes of the model: input x, output y. */
export function written({ input, stored = {}, steps, opset = 17 }: Written): Uint8Array {
  const last = steps.length - 1
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name: 'graph',
      input: [info('x', input)],
      initializer: Object.entries(stored).map(([name, { shape, values, whole }]) => tensor(name, shape, values, whole)),
      node: steps.map(({ op, inputs, output, attributes = {} }, i) => ({
        opType: op,
        input: inputs,
        output: [i === last ? 'y' : (output ?? `v${i + 1}`)],
        attribute: Object.entries(attributes).map(attribute),
      })),
      output: [{ name: 'y', type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT } } } }],
    },
  })
  return toBinary(ModelProtoSchema, model)
}
