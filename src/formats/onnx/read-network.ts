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
import type { ImportOptions } from './input.ts'
import { fixedBatch, type ModelInput, modelInputs } from './model-inputs.ts'
import { Operation } from './operation.ts'
import { operationsOf } from './operations.ts'
import { overSamples } from './operators/layouts.ts'
import { resultType } from './result-type.ts'
import { Scope, Unsupported } from './scope.ts'
import { dtypes, numbersOf } from './tensor.ts'
import { Known, type Value } from './value.ts'

/** Versions of ONNX's operators that run here. */
const OPSETS = { least: 7, most: 25 } as const

/** What the inputs of a model stand for in a run. */
export interface Fed {
  batch: number
  values: ReadonlyMap<string, Value>
}

export interface TranslateOptions {
  training: boolean
  /** Names of the file's outputs, or of anything that its nodes compute. */
  outputs: readonly string[]
  /** The scope of another translation into the same graph, with which it shares parameters. */
  beside?: Scope
}

export class NetworkReader {
  readonly file: OnnxFile
  /** Those that are not given. */
  readonly inputs: readonly ModelInput[]
  /** The number of samples that the model is written for; undefined: any. */
  readonly fixedBatch?: number
  readonly #given: ReadonlyMap<string, Known>
  /** The first output; where that is a softmax over classes, what goes into it. */
  readonly first: BeforeSoftmax
  readonly #operations: readonly Operation[]
  readonly #constants: (name: string, slot: Slot) => Known | undefined
  readonly #asRead = readings()

  constructor(file: OnnxFile, options: ImportOptions) {
    if (file.opset < OPSETS.least || file.opset > OPSETS.most)
      throw new Unsupported(
        `${file.path} uses version ${file.opset} of ONNX's operators, expected ${OPSETS.least} to ${OPSETS.most}: export it again with opset 17`,
      )
    this.file = file
    this.inputs = modelInputs(file, options)
    this.fixedBatch = fixedBatch(this.inputs)
    this.#given = givenInputs(file, options)
    this.#operations = operationsOf(file)
    this.#constants = knownTensors(file)
    if (file.graph.output.length === 0) throw new UserError(`${file.path} is not a valid ONNX model: it has no output`)
    this.first = this.beforeSoftmax(file.graph.output[0].name, 2)
  }

  /**
   * What goes into the softmax over the last of `rank` axes that an output is; the output itself where it is
   * none.
   */
  beforeSoftmax(output: string, rank: number): BeforeSoftmax {
    return beforeSoftmax(output, rank, this.#operations)
  }

  /** Appends all nodes that the outputs need; what every name stands for. */
  translate(graph: Graph, fed: Fed, { training, outputs, beside }: TranslateOptions) {
    const { file, inputs: free } = this
    const scope = beside ?? new Scope(graph, { training, batch: fed.batch, fixedBatch: this.fixedBatch })
    const values = new Map<string, Value>([...this.#given, ...fed.values])
    for (const { name, type } of free) if (values.has(name)) scope.setType(values.get(name)!, type)
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
      const types = inputs.map((value) => value && scope.typeOf(value))
      operation.outputs.forEach((name, i) => {
        const result = results[i]
        if (name === '' || !result) return
        values.set(name, result)
        scope.setType(result, resultType(operation, i, types))
      })
    }
    return { scope, values, madeBy }
  }

  /** An output as a tensor, also one that is known before the network runs. */
  tensorOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const { file } = this
    const end = new Operation(create(NodeProtoSchema, { opType: 'output', name }), file.opset)
    const root = { node: end.proto, input: 0 }
    const value = values.get(name) ?? this.#constants(name, root) ?? missing(file, `its output is ${name}`, name)
    const maker = this.#operations.find(({ outputs }) => outputs.includes(name)) ?? end
    return located(file.path, maker, () => scope.tensor(value, end))
  }

  /** An output as [N, the rest]. */
  rowsOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const { graph, batch } = scope
    const tensor = this.tensorOf(values, name, scope)
    if (batch > 1 && tensor.shape[0] !== batch)
      throw new Unsupported(
        `${this.file.path}: its output ${name} [${tensor.shape}] is not computed for each sample of a batch of ${batch}`,
      )
    const samples = batch === 1 ? tensor : overSamples(graph, tensor)
    return reshape(graph, samples, [batch, sizeOf(tensor.shape) / batch], true)
  }
}

/** Inputs whose one value is said beforehand. Throws UserError where the model has none of that name. */
function givenInputs({ path, graph, stored }: OnnxFile, { given = {} }: ImportOptions): Map<string, Known> {
  const values = Object.entries(given).map(([name, value]) => {
    const input = graph.input.find((one) => one.name === name && !stored.has(name))
    if (!input) throw new UserError(`${path} has no input ${name}, which is given as ${value}`)
    const tensor = input.type?.value.case === 'tensorType' ? input.type.value.value : undefined
    const shape = (tensor?.shape?.dim ?? []).map(() => 1)
    return [name, new Known(shape, () => [value], { type: dtypes[tensor?.elemType ?? 1] })] as const
  })
  return new Map(values)
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

/** A name, and whether a softmax (or its logarithm) of what it stands for is the output. */
export interface BeforeSoftmax {
  name: string
  softmax: boolean
}

function beforeSoftmax(output: string, rank: number, operations: readonly Operation[]): BeforeSoftmax {
  const makers = new Map(operations.flatMap((operation) => operation.outputs.map((name) => [name, operation] as const)))
  let [name, softmax] = [output, false]
  for (let maker = makers.get(name); maker; maker = makers.get(name)) {
    const isSoftmax = ['Softmax', 'LogSoftmax'].includes(maker.op)
    if (isSoftmax && ![-1, rank - 1].includes(maker.integer('axis', maker.opset < 13 ? 1 : -1))) break
    if (!isSoftmax && maker.op !== 'Identity') break
    softmax ||= isSoftmax
    name = maker.inputs[0]
  }
  return { name: softmax || rank === 2 ? name : output, softmax }
}
