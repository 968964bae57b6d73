// A forward graph with its weights as an ONNX file, for ONNX Runtime. Its operators carry ONNX's names and attributes already.
import { create, toBinary } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from 'onnx-buf'

const FLOAT = 1
/** The last in which ReduceMean takes its axes as an attribute. */
const OPSET = 17n

/** @param {Map<string, Float32Array>} weights the values of parameters and buffers, by name */
export function onnxModel(graph, weights) {
  const stored = [...graph.withRole('parameter'), ...graph.withRole('buffer')]
  const proto = {
    name: 'graph',
    node: graph.nodes.map(({ operator, inputs, outputs, attributes }) => ({
      opType: operator.name,
      input: inputs.map(({ name }) => name),
      output: outputs.map(({ name }) => name),
      attribute: Object.entries(attributes).map(attribute),
    })),
    initializer: stored.map(({ name, shape }) => ({
      ...{ name, dims: shape.map(BigInt), dataType: FLOAT },
      rawData: new Uint8Array(weights.get(name).buffer),
    })),
    input: graph.withRole('input').map(valueInfo),
    output: [...graph.outputs.values()].map(valueInfo),
  }
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: OPSET }], graph: proto }),
  )
}

function attribute([name, value]) {
  if (name === 'epsilon') return { name, type: Kind.FLOAT, f: value }
  if (Array.isArray(value)) return { name, type: Kind.INTS, ints: value.map(BigInt) }
  return { name, type: Kind.INT, i: BigInt(value) }
}

function valueInfo({ name, shape }) {
  const dim = shape.map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } }))
  return { name, type: { value: { case: 'tensorType', value: { elemType: FLOAT, shape: { dim } } } } }
}
