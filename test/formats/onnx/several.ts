/** @file Small ONNX models with inputs and outputs of any number, written by hand. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema } from 'onnx-buf'
import { type Written, written } from './build.ts'

/** By name; -1 is the number of samples. */
export type Interface = Readonly<Record<string, readonly number[]>>

/** The bytes of the model: steps read the inputs by their names, and name the outputs. */
export function severalWritten(
  inputs: Interface,
  outputs: Interface,
  { type = DataType.FLOAT, ...rest }: Omit<Written, 'input'> & { type?: DataType },
): Uint8Array {
  const model = fromBinary(ModelProtoSchema, written({ input: [-1], ...rest }))
  const infos = (list: Interface, elemType: DataType) =>
    Object.entries(list).map(([name, shape]) => {
      const dim = shape.map((n) =>
        n < 0
          ? { value: { case: 'dimParam' as const, value: 'N' } }
          : { value: { case: 'dimValue' as const, value: BigInt(n) } },
      )
      return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } }
    })
  const { initializer, node } = model.graph!
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: model.opsetImport,
      graph: {
        name: 'graph',
        input: infos(inputs, type),
        output: infos(outputs, DataType.FLOAT),
        initializer,
        node,
      },
    }),
  )
}
