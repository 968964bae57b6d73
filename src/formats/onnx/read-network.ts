/**
 * @file The nodes of an ONNX file as nodes of a graph of ours: those that some outputs need, built anew for
 * every batch size.
 */
import { create } from '@bufbuild/protobuf'
import { type NodeProto, NodeProtoSchema } from 'onnx-buf'
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { reshape } from '../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { applyNode, located } from './apply.ts'
import type { Slot } from './edit.ts'
import type { OnnxFile } from './file.ts'
import { type ImageInput, type ImportOptions, inputOf, toInput } from './input.ts'
import { Operation } from './operation.ts'
import { operationsOf } from './operations.ts'
import { Scope, Unsupported } from './scope.ts'
import { numbersOf } from './tensor.ts'
import { Known, type Value } from './value.ts'

/** Versions of ONNX's operators that run here. */
const OPSETS = { least: 7, most: 25 } as const

export class NetworkReader {
  readonly file: OnnxFile
  readonly input: ImageInput
  /** The name of the first output; where that is a softmax over classes, of what goes into it. */
  readonly logits: string
  readonly #operations: readonly Operation[]
  readonly #constants: (name: string, slot: Slot) => Known | undefined
  readonly #asRead = readings()

  constructor(file: OnnxFile, options: ImportOptions) {
    if (file.opset < OPSETS.least || file.opset > OPSETS.most)
      throw new Unsupported(
        `${file.path} uses version ${file.opset} of ONNX's operators, expected ${OPSETS.least} to ${OPSETS.most}: export it again with opset 17`,
      )
    this.file = file
    this.input = inputOf(file, options)
    this.#operations = operationsOf(file)
    this.#constants = knownTensors(file)
    this.logits = logitsOf(file, this.#operations)
  }

  /** Appends all nodes that the outputs need; what every name stands for. */
  translate(graph: Graph, images: Tensor, { training, outputs }: { training: boolean; outputs: readonly string[] }) {
    const { file, input } = this
    const scope = new Scope(graph, { training, batch: images.shape[0], fixedBatch: input.batch })
    const values = new Map<string, Value>([[input.name, toInput(images, input, graph)]])
    const needed = neededBy(outputs, this.#operations)
    const madeBy = new Map<Node, NodeProto>()
    for (const operation of this.#operations) {
      if (!needed.has(operation)) continue
      const inputs = operation.inputs.map((name, i) => {
        if (name === '') return undefined
        const slot = operation.slots[i]
        const value =
          values.get(name) ?? this.#constants(name, slot) ?? missing(file, `${operation.label} reads ${name}`, name)
        return value instanceof Known ? this.#asRead(value, slot) : value
      })
      const before = graph.nodes.length
      scope.operation = operation
      const results = applyNode(operation, inputs, scope, file)
      for (const node of graph.nodes.slice(before)) madeBy.set(node, operation.slots[0].node)
      operation.outputs.forEach((name, i) => {
        const result = results[i]
        if (name !== '' && result) values.set(name, result)
      })
    }
    return { scope, values, madeBy }
  }

  /** An output as a tensor. */
  tensorOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const { file } = this
    const end = new Operation(create(NodeProtoSchema, { opType: 'output', name }), file.opset)
    const root = { node: end.proto, input: 0 }
    const value = values.get(name) ?? this.#constants(name, root) ?? missing(file, `its output is ${name}`, name)
    return located(file.path, this.#operations.find(({ outputs }) => outputs.includes(name)) ?? end, () => {
      const tensor = scope.tensor(value, end)
      if (!tensor.batched) throw new Unsupported(`its output ${name} is not computed for each sample of a batch`)
      return tensor
    })
  }

  /** An output as [N, the rest]. */
  rowsOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const tensor = this.tensorOf(values, name, scope)
    return reshape(scope.graph, tensor, [tensor.shape[0], sizeOf(tensor.shape) / tensor.shape[0]])
  }
}

/** Throws: something needs (`what` says it) what nothing computes, or what is not computed here. */
function missing({ path, graph }: OnnxFile, what: string, name: string): never {
  const maker = graph.node.find(({ output }) => output.includes(name))
  if (!maker) throw new UserError(`${path}: ${what}, which nothing before it computes`)
  throw new Unsupported(`${path}: ${what}, an output of ${new Operation(maker, 0).label} that is not computed here`)
}

/**
 * Stored tensors of the main graph by name, each read once; for every node that reads one as a value of its
 * own.
 */
function knownTensors({ stored }: OnnxFile): (name: string, root: Slot) => Known | undefined {
  const found = new Map<string, Known>()
  const views = new WeakMap<Slot, Known>()
  return (name, root) => {
    const read = stored.get(name)
    if (!read) return undefined
    const known = found.get(name) ?? asKnown(read())
    found.set(name, known)
    const { shape, type, whole } = known
    const source = whole ? undefined : { key: name, transposed: false, root }
    const view = views.get(root) ?? new Known(shape, () => known.values, { type, source })
    views.set(root, view)
    return view
  }
}

const asKnown = (tensor: StoredTensor) => new Known(tensor.shape, () => numbersOf(tensor), { type: tensor.dtype })

/**
 * Known numbers as the inputs of nodes: the same object for the same numbers, so that what was computed from
 * them is known again.
 */
function readings(): (known: Known, slot: Slot) => Known {
  const views = new WeakMap<Slot, { known: Known; view: Known }>()
  return (known, slot) => {
    const last = views.get(slot)
    if (last?.known === known) return last.view
    const view = known.readBy(slot)
    views.set(slot, { known, view })
    return view
  }
}

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
