// LeNet-300-100 as an ONNX file, for ONNX Runtime.
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'

const FLOAT = 1

/** A chain of linear layers with ReLU between them, `sizes` = [in, hidden..., out], for a fixed batch. */
export function mlpModel(sizes, batch) {
  const tensor = (name, dims, values) => ({
    ...{ name, dims: dims.map(BigInt), dataType: FLOAT },
    rawData: new Uint8Array(Float32Array.from({ length: values }, () => Math.random() / 10 - 0.05).buffer),
  })
  const value = (name, dims) => ({
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: FLOAT,
          shape: { dim: dims.map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } })) },
        },
      },
    },
  })
  const node = []
  const initializer = []
  const last = sizes.length - 2
  for (let i = 0; i <= last; i++) {
    const [inputs, outputs] = [sizes[i], sizes[i + 1]]
    initializer.push(tensor(`w${i}`, [outputs, inputs], inputs * outputs), tensor(`b${i}`, [outputs], outputs))
    const product = i === last ? 'y' : `z${i}`
    node.push({
      opType: 'Gemm',
      input: [i === 0 ? 'x' : `a${i - 1}`, `w${i}`, `b${i}`],
      output: [product],
      attribute: [{ name: 'transB', type: 2, i: 1n }],
    })
    if (i < last) node.push({ opType: 'Relu', input: [product], output: [`a${i}`] })
  }
  const graph = {
    name: 'mlp',
    node,
    initializer,
    input: [value('x', [batch, sizes[0]])],
    output: [value('y', [batch, sizes.at(-1)])],
  }
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }),
  )
}
