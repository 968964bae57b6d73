// A network as an ONNX model of 8-bit integers, statically quantized in the form that ONNX Runtime's own tool
// writes (QDQ): weights int8, symmetric, a scale per output channel; activations uint8, ranges from running
// the network; biases int32. What is computed in between is left to the runtime.
import { create } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType, NodeProtoSchema, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { exportGraph, floats, onnxBytes } from '../dist/formats/onnx/export.js'
import { foldBatchNorm } from '../dist/graph/fold-batch-norm.js'
import { compile, Graph } from '../dist/graph.js'
import { openMachine } from '../dist/index.js'

/** Operators whose outputs are quantized, unless an activation that reads them alone is. */
const QUANTIZED = new Set(['Conv', 'Add', 'Relu', 'Clip', 'MaxPool', 'GlobalAveragePool', 'Flatten', 'Reshape'])
const ACTIVATIONS = new Set(['Relu', 'Clip'])
const WITH_WEIGHTS = new Set(['Conv', 'Gemm'])

/** The model as bytes, for the images of an inferenceCase and others like them. */
export async function quantizedBytes({ graph, weights, images }) {
  const folded = foldBatchNorm(graph, weights)
  const [input] = folded.graph.withRole('input')
  const initializers = folded.graph.stored().map(({ name, shape }) => floats(name, shape, folded.values.get(name)))
  const model = exportGraph(folded.graph, { inputs: [input], initializers })
  const ranges = await rangesOf(folded, images)
  const writer = new Writer(model.graph, ranges)
  const outputs = new Set(model.graph.output.map(({ name }) => name))
  const nodes = [...model.graph.node]
  const readersOf = (name) => nodes.filter(({ input: inputs }) => inputs.includes(name))
  model.graph.node = []
  writer.quantize(input.name)
  for (const node of nodes) {
    if (WITH_WEIGHTS.has(node.opType)) writer.quantizeWeights(node, folded.values)
    writer.add(node)
    const [name] = node.output
    const readers = readersOf(name)
    const left = readers.length === 1 && (ACTIVATIONS.has(readers[0].opType) || outputs.has(readers[0].output[0]))
    if (QUANTIZED.has(node.opType) && !left && ranges.has(name)) writer.quantize(name)
  }
  return onnxBytes(model)
}

/** The least and the largest value of every tensor that depends on the images. */
async function rangesOf({ graph, values }, images) {
  const observed = new Graph(graph)
  const tensors = [...new Set(graph.nodes.flatMap(({ outputs }) => outputs))]
  for (const tensor of tensors) observed.output(`seen ${tensor.name}`, tensor)
  const executable = compile(await openMachine(), { run: observed })
  for (const [name, list] of values) if (executable.has(name)) executable.view(name).set(list)
  const [input] = graph.withRole('input')
  executable.write('run', input.name, images)
  executable.run('run')
  const seen = tensors.map(({ name }) => [name, executable.read('run', `seen ${name}`)])
  return new Map([[input.name, images], ...seen].map(([name, list]) => [name, rangeOf(list)]))
}

/** Zero is always inside, since borders are made of it. */
const rangeOf = (list) => list.reduce(([least, most], x) => [Math.min(least, x), Math.max(most, x)], [0, 0])

/** Appends nodes, and gives them dequantized inputs. */
class Writer {
  #graph
  #ranges
  /** Names of dequantized tensors, and the scales that they have, by the names of what they stand for. */
  #standIns = new Map()

  constructor(graph, ranges) {
    this.#graph = graph
    this.#ranges = ranges
  }

  add(node) {
    node.input = node.input.map((name) => this.#standIns.get(name)?.name ?? name)
    this.#graph.node.push(node)
  }

  /** Quantizes an activation and dequantizes it again, for all nodes that come after. */
  quantize(name) {
    const [least, most] = this.#ranges.get(name)
    const scale = (most - least) / 255 || 1
    const zero = Math.round(-least / scale)
    const parameters = [
      this.#float(`${name} scale`, [], [scale]),
      this.#store(`${name} zero`, [], Uint8Array.of(zero), 'UINT8'),
    ]
    this.#node('QuantizeLinear', [name, ...parameters], `${name} quantized`)
    this.#node('DequantizeLinear', [`${name} quantized`, ...parameters], `${name} again`)
    this.#standIns.set(name, { name: `${name} again`, scale })
  }

  /** Stores the weights of a node, whose outputs are their first axis, and its bias as whole numbers. */
  quantizeWeights({ input: [x, weight, bias] }, values) {
    const { dims } = this.#graph.initializer.find(({ name }) => name === weight)
    const outputs = Number(dims[0])
    const list = values.get(weight)
    const inner = list.length / outputs
    const scales = Float32Array.from({ length: outputs }, (_, o) => {
      const [least, most] = rangeOf(list.subarray(o * inner, (o + 1) * inner))
      return Math.max(-least, most) / 127 || 1
    })
    const whole = Int8Array.from(list, (w, i) => Math.round(w / scales[Math.floor(i / inner)]))
    this.#dequantized(weight, dims, whole, 'INT8', scales)
    const { scale } = this.#standIns.get(x)
    const products = scales.map((one) => one * scale)
    const offsets = Int32Array.from(values.get(bias), (b, o) => Math.round(b / products[o]))
    this.#dequantized(bias, [dims[0]], offsets, 'INT32', products)
  }

  #dequantized(name, dims, data, type, scales) {
    const index = this.#graph.initializer.findIndex((tensor) => tensor.name === name)
    this.#graph.initializer.splice(index, 1)
    const zeros = this.#store(`${name} zero`, [scales.length], new data.constructor(scales.length), type)
    const parameters = [this.#float(`${name} scale`, [scales.length], scales), zeros]
    const inputs = [this.#store(`${name} quantized`, dims, data, type), ...parameters]
    this.#node('DequantizeLinear', inputs, `${name} again`, [
      { name: 'axis', type: AttributeProto_AttributeType.INT, i: 0n },
    ])
    this.#standIns.set(name, { name: `${name} again` })
  }

  #node(opType, input, output, attribute = []) {
    this.#graph.node.push(create(NodeProtoSchema, { opType, input, output: [output], attribute }))
  }

  #float = (name, dims, values) => this.#store(name, dims, Float32Array.from(values), 'FLOAT')

  #store(name, dims, data, type) {
    const dataType = TensorProto_DataType[type]
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.#graph.initializer.push(create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData }))
    return name
  }
}
