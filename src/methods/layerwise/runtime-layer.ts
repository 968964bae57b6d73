/**
 * @file One layer of an ONNX file as a graph of its own: its node alone, of an input that another engine has
 * computed.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema, type NodeProto, type ValueInfoProtoSchema } from 'onnx-buf'
import { compile, type Executable } from '../../engine/compile.ts'
import type { Machine } from '../../engine/machine.ts'
import { type OnnxFile, openModel } from '../../formats/onnx/file.ts'
import { NetworkReader } from '../../formats/onnx/read-network.ts'
import { type Origin, Unsupported } from '../../formats/onnx/scope.ts'
import type { FedArray } from '../../formats/onnxruntime/session.ts'
import { Graph } from '../../graph/graph.ts'
import type { Shape } from '../../graph/tensor.ts'
import { addScaled } from '../../linear/vector.ts'
import { type LayerMatrix, layerMatrix } from './layer.ts'
import { InputProducts } from './products.ts'
import { type Windows, windowsOf } from './windows.ts'

/** The products 2 X X' of what goes into the nodes of one weight, summed over all that they were given. */
export class LayerInputs {
  readonly #file: OnnxFile
  readonly #machine: Machine
  /** By the node and the shape of its input. */
  readonly #programs = new Map<string, Program>()
  /** By the places in a row of the windows. */
  readonly #sums = new Map<number, InputProducts>()
  #found?: { matrix: LayerMatrix; origin: Origin }

  constructor(file: OnnxFile, machine: Machine) {
    this.#file = file
    this.#machine = machine
  }

  /**
   * The layer, where its stored weight lies, and per group of it the products, [columns][columns]. Nothing
   * can be added after that.
   */
  found() {
    if (!this.#found) throw new Error('no input was added')
    const [grams, ...others] = [...this.#sums.values()].map((sums) => sums.grams())
    for (const other of others) grams.forEach((gram, group) => void addScaled(gram, other[group], 1))
    return { ...this.#found, grams }
  }

  /** Adds an input of a node. Throws Unsupported where the node does not run here. */
  add(node: NodeProto, input: Pick<FedArray, 'shape' | 'values'>): void {
    const shape = rowsOf(node, input.shape)
    const key = `${node.output[0]} [${shape}]`
    const program = this.#programs.get(key) ?? this.#program(node, shape)
    this.#programs.set(key, program)
    const { executable, matrix, origin, windows } = program
    this.#found ??= { matrix, origin }
    const { perRow } = windows
    const sums = this.#sums.get(perRow) ?? new InputProducts(this.#machine, matrix, perRow)
    this.#sums.set(perRow, sums)
    executable.write(PROGRAM, 'x', input.values)
    executable.run(PROGRAM)
    sums.add(windows, executable.raw(PROGRAM, INPUT))
  }

  #program(node: NodeProto, shape: Shape): Program {
    const file = this.#file
    const reader = new NetworkReader(alone(file, node, shape), {})
    const graph = new Graph()
    const [batch] = shape
    const x = graph.input('x', shape, { batched: true })
    const { scope } = reader.translate(graph, { batch, values: new Map([[node.input[0], x]]) }, ALONE(node))
    const layer = graph.nodes.find((one) => one.inputs[one.operator.weight ?? -1]?.role === 'parameter')
    if (!layer) throw new Unsupported(`${file.path}: node ${node.name} multiplies with no stored weight here`)
    const matrix = layerMatrix(layer)
    graph.output(INPUT, layer.inputs[0])
    const executable = compile(this.#machine, { [PROGRAM]: graph })
    return { executable, matrix, windows: windowsOf(layer), origin: scope.origins.get(matrix.name)! }
  }
}

/** A product sees places and samples alike: rows. */
function rowsOf({ opType }: NodeProto, shape: Shape): Shape {
  if (opType !== 'MatMul' && opType !== 'Gemm') return shape
  return [shape.slice(0, -1).reduce((rows, size) => rows * size, 1), shape.at(-1)!]
}

interface Program {
  executable: Executable
  matrix: LayerMatrix
  windows: Windows
  origin: Origin
}

/** The program of a layer's input, and its output. */
const PROGRAM = 'layer'
const INPUT = 'input'
const ALONE = ({ output }: NodeProto) => ({ training: false, outputs: [output[0]] })

/** A file of one node, of batches of any size of inputs like this one. */
function alone({ proto, graph, path, external }: OnnxFile, node: NodeProto, [, ...sample]: Shape): OnnxFile {
  const read = new Set(node.input)
  const constants = graph.node.filter((one) => one.opType === 'Constant' && read.has(one.output[0]))
  const model = create(ModelProtoSchema, {
    irVersion: proto.irVersion,
    opsetImport: proto.opsetImport,
    graph: {
      name: graph.name,
      node: [...constants, node],
      input: [info(node.input[0], ['N', ...sample])],
      output: [{ name: node.output[0] }],
      initializer: graph.initializer.filter(({ name }) => read.has(name)),
      sparseInitializer: graph.sparseInitializer.filter(({ values }) => read.has(values?.name ?? '')),
    },
  })
  return openModel(model, path, external)
}

function info(name: string, sizes: readonly (number | string)[]): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = sizes.map((size) =>
    typeof size === 'string'
      ? { value: { case: 'dimParam' as const, value: size } }
      : { value: { case: 'dimValue' as const, value: BigInt(size) } },
  )
  return { name, type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT, shape: { dim } } } } }
}
