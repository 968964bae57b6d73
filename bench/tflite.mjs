// A .tflite file (a FlatBuffer of LiteRT's schema, version 3) of a small network: images NHWC through
// operators of floats. Fields are numbered as in schema.fbs.
import { Builder } from 'flatbuffers'

const FLOAT32 = 0
const INT32 = 2
/** Formats of a dimension of a sparse tensor, and the type of its index vectors. */
const [DENSE, CSR] = [0, 1]
const INT32_VECTOR = 1
const VALID = 1
const SAME = 0
const RELU = 1

/** Codes of operators, and the types of their options. */
const OPERATORS = {
  CONV_2D: { code: 3, options: 1 },
  DEPTHWISE_CONV_2D: { code: 4, options: 2 },
  FULLY_CONNECTED: { code: 9, options: 8 },
  PAD: { code: 34, options: 22 },
  MEAN: { code: 40, options: 27 },
  DENSIFY: { code: 124, options: 99 },
}
const NAMES = Object.keys(OPERATORS)

export class TfliteWriter {
  #builder = new Builder(1 << 20)
  #tensors = []
  /** Buffer 0 is empty: that of tensors without values. */
  #buffers = [undefined]
  #operators = []

  /** A tensor, with values where it is stored; its index. */
  tensor(name, shape, values, sparsity) {
    const buffer = values ? this.#buffers.push(values) - 1 : 0
    const type = values instanceof Int32Array ? INT32 : FLOAT32
    return this.#tensors.push({ name, shape, type, buffer, sparsity }) - 1
  }

  /**
   * Weights [outputs, 1, 1, inputs]: encoded, nonzeros of each output in a row, where `encoded` says so, and
   * made dense by an operator, which the runtime takes as a hint to skip zeros.
   */
  weights(name, shape, values, encoded) {
    if (!encoded) return this.tensor(name, shape, values)
    const [outputs, , , inputs] = shape
    const segments = [0]
    const indices = []
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) if (values[o * inputs + i] !== 0) indices.push(i)
      segments.push(indices.length)
    }
    const nonzeros = values.filter((w) => w !== 0)
    const stored = this.tensor(`${name} encoded`, shape, nonzeros, { shape, segments, indices })
    const dense = this.tensor(name, shape)
    this.operator('DENSIFY', [stored], dense)
    return dense
  }

  /** Appends an operator; `options` are the fields of its table: [slot, kind, value]. */
  operator(name, inputs, output, options = []) {
    this.#operators.push({ name, inputs, output, options })
    return output
  }

  /** The bytes of a model with one input and one output. */
  finish(input, output) {
    const b = this.#builder
    const buffers = this.#buffers.map((values) => {
      const data = values && this.#bytes(values)
      return this.#table(1, () => data && b.addFieldOffset(0, data, 0))
    })
    const tensors = this.#tensors.map((tensor) => this.#tensor(tensor))
    const operators = this.#operators.map((operator) => this.#operator(operator))
    const [names, tensorList, operatorList] = [b.createString('main'), this.#offsets(tensors), this.#offsets(operators)]
    const [inputs, outputs] = [this.#integers([input]), this.#integers([output])]
    const subgraph = this.#table(5, () => {
      b.addFieldOffset(0, tensorList, 0)
      b.addFieldOffset(1, inputs, 0)
      b.addFieldOffset(2, outputs, 0)
      b.addFieldOffset(3, operatorList, 0)
      b.addFieldOffset(4, names, 0)
    })
    const codes = NAMES.map((name) =>
      this.#table(4, () => {
        b.addFieldInt8(0, Math.min(OPERATORS[name].code, 127), 0)
        b.addFieldInt32(2, name === 'DENSIFY' ? 1 : 2, 1)
        b.addFieldInt32(3, OPERATORS[name].code, 0)
      }),
    )
    const [codeList, subgraphs, bufferList] = [codes, [subgraph], buffers].map((list) => this.#offsets(list))
    const model = this.#table(5, () => {
      b.addFieldInt32(0, 3, 0)
      b.addFieldOffset(1, codeList, 0)
      b.addFieldOffset(2, subgraphs, 0)
      b.addFieldOffset(4, bufferList, 0)
    })
    b.finish(model, 'TFL3')
    return b.asUint8Array()
  }

  #tensor({ name, shape, type, buffer, sparsity }) {
    const b = this.#builder
    const [text, dims] = [b.createString(name), this.#integers(shape)]
    const encoding = sparsity && this.#sparsity(sparsity)
    return this.#table(7, () => {
      b.addFieldOffset(0, dims, 0)
      b.addFieldInt8(1, type, 0)
      b.addFieldInt32(2, buffer, 0)
      b.addFieldOffset(3, text, 0)
      if (encoding) b.addFieldOffset(6, encoding, 0)
    })
  }

  /** Rows of nonzeros: the first three axes are dense, the last one is compressed. */
  #sparsity({ shape, segments, indices }) {
    const b = this.#builder
    const vector = (list) => {
      const values = this.#integers(list)
      return this.#table(1, () => b.addFieldOffset(0, values, 0))
    }
    const [segmentVector, indexVector] = [vector(segments), vector(indices)]
    const dimensions = shape.map((size, axis) =>
      this.#table(6, () => {
        b.addFieldInt8(0, axis === 3 ? CSR : DENSE, 0)
        if (axis < 3) return b.addFieldInt32(1, size, 0)
        b.addFieldInt8(2, INT32_VECTOR, 0)
        b.addFieldOffset(3, segmentVector, 0)
        b.addFieldInt8(4, INT32_VECTOR, 0)
        b.addFieldOffset(5, indexVector, 0)
      }),
    )
    const [order, list] = [this.#integers([0, 1, 2, 3]), this.#offsets(dimensions)]
    return this.#table(3, () => {
      b.addFieldOffset(0, order, 0)
      b.addFieldOffset(2, list, 0)
    })
  }

  #operator({ name, inputs, output, options }) {
    const b = this.#builder
    const [from, to] = [this.#integers(inputs), this.#integers([output])]
    const table = this.#table(8, () => {
      for (const [slot, kind, value] of options) b[`addField${kind}`](slot, value, 0)
    })
    return this.#table(5, () => {
      b.addFieldInt32(0, NAMES.indexOf(name), 0)
      b.addFieldOffset(1, from, 0)
      b.addFieldOffset(2, to, 0)
      b.addFieldInt8(3, OPERATORS[name].options, 0)
      b.addFieldOffset(4, table, 0)
    })
  }

  #table(fields, fill) {
    this.#builder.startObject(fields)
    fill()
    return this.#builder.endObject()
  }

  #integers(list) {
    this.#builder.startVector(4, list.length, 4)
    for (const n of [...list].reverse()) this.#builder.addInt32(n)
    return this.#builder.endVector()
  }

  #offsets(list) {
    this.#builder.startVector(4, list.length, 4)
    for (const offset of [...list].reverse()) this.#builder.addOffset(offset)
    return this.#builder.endVector()
  }

  /** Bytes of values, aligned to 16 as the schema asks for. */
  #bytes(values) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    this.#builder.startVector(1, bytes.length, 16)
    this.#builder.bb.setPosition((this.#builder.space -= bytes.length))
    this.#builder.bb.bytes().set(bytes, this.#builder.space)
    return this.#builder.endVector()
  }
}

const strides = (stride) => [
  [1, 'Int32', stride],
  [2, 'Int32', stride],
]

/** Options of a convolution with ReLU. `same`: borders are filled up with zeros. */
export const convolution = ({ same, stride }) => [
  [0, 'Int8', same ? SAME : VALID],
  ...strides(stride),
  [3, 'Int8', RELU],
  [4, 'Int32', 1],
  [5, 'Int32', 1],
]

/** Options of a depthwise convolution of stride 1 with ReLU, whose output is as large as its input. */
export const depthwise = [
  [0, 'Int8', SAME],
  ...strides(1),
  [3, 'Int32', 1],
  [4, 'Int8', RELU],
  [5, 'Int32', 1],
  [6, 'Int32', 1],
]
