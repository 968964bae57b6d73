/** @file Small ONNX models written by hand, as other tools write them. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type TensorProtoSchema,
} from 'onnx-buf'

export type Attribute =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { floats: readonly number[] }
  | { tensor: Stored }

export interface Step {
  op: string
  inputs: string[]
  /** Default: the next of v1, v2, ... */
  output?: string
  /** Names of several. */
  outputs?: string[]
  attributes?: Record<string, Attribute>
}

export type Stored = { shape: readonly number[]; values: readonly number[]; whole?: boolean; type?: DataType }

export interface Written {
  /** With -1 where the file leaves the size open. */
  input: readonly number[]
  /** Floats by name, or whole numbers (of 64 bits), or numbers of another type. */
  stored?: Record<string, Stored>
  /** The last one gives the output y. */
  steps: readonly Step[]
  opset?: number
}

export function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
  whole = false,
  type: DataType = whole ? DataType.INT64 : DataType.FLOAT,
): MessageInitShape<typeof TensorProtoSchema> {
  const from = bytesOf[type]
  if (!from) throw new Error(`no tensors of type ${DataType[type]} are written here`)
  return { name, dims: shape.map(BigInt), dataType: type, rawData: new Uint8Array(from(values)) }
}

const bytesOf: Partial<Record<DataType, (values: readonly number[]) => ArrayBuffer>> = {
  [DataType.FLOAT]: (values) => Float32Array.from(values).buffer,
  [DataType.DOUBLE]: (values) => Float64Array.from(values).buffer,
  [DataType.INT64]: (values) => BigInt64Array.from(values, BigInt).buffer,
  [DataType.INT32]: (values) => Int32Array.from(values).buffer,
  [DataType.INT8]: (values) => Int8Array.from(values).buffer,
  [DataType.UINT8]: (values) => Uint8Array.from(values).buffer,
  [DataType.BOOL]: (values) => Uint8Array.from(values).buffer,
}

function attribute([name, value]: [string, Attribute]): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if ('tensor' in value) {
    const { shape, values, whole, type } = value.tensor
    return { name, type: AttributeType.TENSOR, t: tensor('', shape, values, whole, type) }
  }
  if ('floats' in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] }
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
      initializer: Object.entries(stored).map(([name, { shape, values, whole, type }]) =>
        tensor(name, shape, values, whole, type),
      ),
      node: steps.map(({ op, inputs, output, outputs, attributes = {} }, i) => ({
        opType: op,
        input: inputs,
        output: outputs ?? [i === last ? 'y' : (output ?? `v${i + 1}`)],
        attribute: Object.entries(attributes).map(attribute),
      })),
      output: [{ name: 'y', type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT } } } }],
    },
  })
  return toBinary(ModelProtoSchema, model)
}
