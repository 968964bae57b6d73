/**
 * @file Writes an ONNX model node by node, with weights at random: what an exporter does, without a network
 * that was trained.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
} from 'onnx-buf'
import { random } from '../../dist/util/random.js'

/** Version of the file format. */
const IR_VERSION = 8n

/**
 * Nodes of one graph. Values are names; sizes of axes that are left open are words.
 * @typedef {number | string | readonly number[] | { float: number } | { graph: object }} Attribute
 */
export class Writer {
  #opset
  #seed
  #input = []
  #output = []
  #node = []
  #initializer = []
  #count

  /** @param {{ opset?: number, seed?: number }} options */
  constructor({ opset = 17, seed = 0 } = {}, count = { of: 0 }) {
    this.#opset = opset
    this.#seed = seed
    this.#count = count
  }

  input(name, sizes, type = DataType.FLOAT) {
    this.#input.push(info(name, sizes, type))
    return name
  }

  /** Makes a value an output, under a name of its own. */
  output(name, value, sizes, type = DataType.FLOAT) {
    const renamed = (list) => list.map((one) => (one === value ? name : one))
    for (const node of this.#node) {
      node.input = renamed(node.input)
      node.output = renamed(node.output)
    }
    this.#output.push(info(name, sizes, type))
  }

  /**
   * The outputs of a node: a name, or names where there are several.
   * @param {Readonly<Record<string, Attribute>>} attributes
   */
  node(op, inputs, attributes = {}, outputs = 1) {
    const name = `/${op}_${this.#count.of++}`
    const output = Array.from({ length: outputs }, (_, i) => `${name}_output_${i}`)
    const attribute = Object.entries(attributes).map(attributeOf)
    this.#node.push({ opType: op, name, input: [...inputs], output, attribute })
    return outputs === 1 ? output[0] : [...output]
  }

  /** Weights from a normal distribution, the same for the same seed and name. */
  weight(name, shape, deviation, mean = 0) {
    const draw = random(this.#seed, `weights of ${name}`)
    return this.floats(
      name,
      shape,
      Float32Array.from({ length: size(shape) }, () => mean + deviation * draw.normal()),
    )
  }

  floats(name, shape, values) {
    const rawData = new Uint8Array(Float32Array.from(values).buffer)
    this.#initializer.push({ name, dims: shape.map(BigInt), dataType: DataType.FLOAT, rawData })
    return name
  }

  scalar(value) {
    return this.floats(`scalar_${this.#count.of++}`, [], [value])
  }

  /** Whole numbers of 64 bits; a scalar where they are given as a number. */
  integers(values) {
    const list = typeof values === 'number' ? [values] : values
    const dims = typeof values === 'number' ? [] : [BigInt(list.length)]
    const name = `integers_${this.#count.of++}`
    const rawData = new Uint8Array(BigInt64Array.from(list, BigInt).buffer)
    this.#initializer.push({ name, dims, dataType: DataType.INT64, rawData })
    return name
  }

  /** A graph inside of a node: what `write` appends to a writer of its own. Its weights have other names. */
  branch(write) {
    const inner = new Writer({ opset: this.#opset, seed: this.#seed }, this.#count)
    write(inner)
    return { graph: inner.#graph('branch') }
  }

  bytes(name) {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'espalier models',
      opsetImport: [{ domain: '', version: BigInt(this.#opset) }],
      graph: this.#graph(name),
    })
    return toBinary(ModelProtoSchema, model)
  }

  #graph(name) {
    return { name, input: this.#input, output: this.#output, node: this.#node, initializer: this.#initializer }
  }
}

const size = (shape) => shape.reduce((product, n) => product * n, 1)

function info(name, sizes, elemType) {
  const dim = sizes.map((n) =>
    typeof n === 'number'
      ? { value: { case: 'dimValue', value: BigInt(n) } }
      : { value: { case: 'dimParam', value: n } },
  )
  return { name, type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } } }
}

function attributeOf([name, value]) {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float }
  if ('graph' in value) return { name, type: AttributeType.GRAPH, g: value.graph }
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
}
