/** @file The nodes of an ONNX file as nodes of a graph of ours: those that some outputs need, built anew for every batch size. */
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, type NodeProto, NodeProtoSchema } from 'onnx-buf'
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import type { Slot } from './edit.ts'
import type { OnnxFile } from './file.ts'
import { fold } from './fold.ts'
import { type ImageInput, type ImportOptions, inputOf, toInput } from './input.ts'
import { Operation } from './operation.ts'
import { operationsOf } from './operations.ts'
import { translators } from './operators/index.ts'
import { placesOf, typeOf } from './places.ts'
import { Scope, Unsupported } from './scope.ts'
import { isFloating, numbersOf, readTensor } from './tensor.ts'
import { Known, type Value } from './value.ts'

/** Versions of ONNX's operators that run here. */
const OPSETS = { least: 7, most: 25 } as const

/** Types of floats in which a kernel may be computed that is not float32. */
const OTHER_FLOATS = [DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE]

export class NetworkReader {
  readonly file: OnnxFile
  readonly input: ImageInput
  /** The name of the first output; where that is a softmax over classes, of what goes into it. */
  readonly logits: string
  readonly #operations: readonly Operation[]
  readonly #constants: (name: string, slot: Slot) => Known | undefined
  readonly #computedParameters: boolean

  constructor(file: OnnxFile, options: ImportOptions) {
    if (file.opset < OPSETS.least || file.opset > OPSETS.most)
      throw new Unsupported(
        `${file.path} uses version ${file.opset} of ONNX's operators, expected ${OPSETS.least} to ${OPSETS.most}: export it again with opset 17`,
      )
    this.file = file
    this.input = inputOf(file, options)
    this.#operations = operationsOf(file)
    this.#constants = knownTensors(file)
    this.#computedParameters = placesOf(file.proto).every(({ tensor }) => !OTHER_FLOATS.includes(typeOf(tensor)))
    this.logits = logitsOf(file, this.#operations)
  }

  /** Appends all nodes that the outputs need; what every name stands for. */
  translate(graph: Graph, images: Tensor, { training, outputs }: { training: boolean; outputs: readonly string[] }) {
    const { file, input } = this
    const scope = new Scope(graph, {
      ...{ training, batch: images.shape[0], fixedBatch: input.batch },
      computedParameters: this.#computedParameters,
    })
    const values = new Map<string, Value>([[input.name, toInput(images, input, graph)]])
    const needed = neededBy(outputs, this.#operations)
    const madeBy = new Map<Node, NodeProto>()
    for (const operation of this.#operations) {
      if (!needed.has(operation)) continue
      const inputs = operation.inputs.map((name, i) => {
        if (name === '') return undefined
        const value = values.get(name) ?? this.#constants(name, operation.slots[i])
        if (!value)
          throw new UserError(`${file.path}: ${operation.label} reads ${name}, which nothing before it computes`)
        return value instanceof Known ? value.readBy(operation.slots[i]) : value
      })
      const before = graph.nodes.length
      scope.operation = operation
      const results = located(file.path, operation, () => apply(operation, inputs, scope, file))
      for (const node of graph.nodes.slice(before)) madeBy.set(node, operation.slots[0].node)
      operation.outputs.forEach((name, i) => {
        const result = results[i]
        if (name !== '' && result) values.set(name, result)
      })
    }
    return { scope, values, madeBy }
  }

  /** What a name stands for as a tensor. */
  tensorOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const end = new Operation(create(NodeProtoSchema, { opType: 'output', name }), this.file.opset)
    const value = values.get(name) ?? this.#constants(name, { node: end.proto, input: 0 })
    if (!value) throw new UserError(`${this.file.path}: nothing computes its output ${name}`)
    return scope.tensor(value, end)
  }
}

function apply(operation: Operation, inputs: readonly (Value | undefined)[], scope: Scope, file: OnnxFile) {
  const folded = fold(operation, inputs, scope) ?? constantOf(operation, inputs, file)
  if (folded) return folded
  if (!Object.hasOwn(translators, operation.op))
    throw new Unsupported(`${operation.label}: the operator ${operation.op} does not run here`)
  return translators[operation.op](operation, inputs, scope)
}

/** Whatever a node cannot do here is an error that names file and node; it concerns those alone who have to run the network. */
function located<T>(path: string, operation: Operation, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { message } = error as Error
    const reason = message.includes(operation.label) ? message : `${operation.label}: ${message}`
    const unsupported = new Unsupported(
      `${path}: ${reason}; pruning by --method magnitude or random works all the same, it only rewrites stored weights`,
    )
    unsupported.output = operation.outputs[0]
    throw unsupported
  }
}

/** Constant (its value is a number or a list; tensors are known already) and ConstantOfShape. */
function constantOf(
  operation: Operation,
  [shape]: readonly (Value | undefined)[],
  file: OnnxFile,
): Known[] | undefined {
  if (operation.op === 'ConstantOfShape' && shape instanceof Known) {
    const value = operation.tensor('value')
    const [fill] = value ? numbersOf(readTensor(value, `${operation.label}: its value`, file.external)) : [0]
    const size = sizeOf(shape.list())
    if (size > 1 << 20) throw new UserError(`${operation.label}: it makes ${size} numbers, expected at most ${1 << 20}`)
    return [new Known(shape.list(), () => Array(size).fill(fill), { whole: value?.dataType === 7 })]
  }
  if (operation.op !== 'Constant') return undefined
  if (operation.has('value_int')) return [Known.integers([operation.integer('value_int', 0)], [])]
  if (operation.has('value_ints')) return [Known.integers(operation.required('value_ints'))]
  if (operation.has('value_float')) return [new Known([], () => [operation.float('value_float', 0)])]
  const floats = operation.floats('value_floats')
  return floats && [new Known([floats.length], () => floats)]
}

/** Stored tensors of the main graph by name, each read once. */
function knownTensors({ stored }: OnnxFile): (name: string, root: Slot) => Known | undefined {
  const found = new Map<string, Known>()
  return (name, root) => {
    const read = stored.get(name)
    if (!read) return undefined
    const known = found.get(name) ?? asKnown(read())
    found.set(name, known)
    const { shape, whole } = known
    return new Known(shape, () => known.values, {
      whole,
      source: whole ? undefined : { key: name, transposed: false, root },
    })
  }
}

const asKnown = (tensor: StoredTensor) =>
  new Known(tensor.shape, () => numbersOf(tensor), { whole: !isFloating(tensor.dtype) })

/** The nodes that values depend on. Those that compute something else need not run. */
function neededBy(outputs: readonly string[], operations: readonly Operation[]): Set<Operation> {
  const names = new Set(outputs)
  const needed = new Set<Operation>()
  for (const operation of [...operations].reverse()) {
    if (!operation.outputs.some((name) => names.has(name))) continue
    needed.add(operation)
    for (const name of operation.inputs) names.add(name)
  }
  return needed
}

/** The first output; where that is a softmax over classes, what goes into it. */
function logitsOf({ path, graph }: OnnxFile, operations: readonly Operation[]): string {
  if (graph.output.length === 0) throw new UserError(`${path} is not a valid ONNX model: it has no output`)
  const makers = new Map(operations.flatMap((operation) => operation.outputs.map((name) => [name, operation] as const)))
  let { name } = graph.output[0]
  for (let maker = makers.get(name); maker; maker = makers.get(name)) {
    const softmax = ['Softmax', 'LogSoftmax'].includes(maker.op) && [-1, 1].includes(maker.integer('axis', -1))
    if (!softmax && maker.op !== 'Identity') return name
    name = maker.inputs[0]
  }
  return name
}
