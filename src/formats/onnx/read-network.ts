/**
 * @file The nodes of an ONNX file as nodes of a graph of ours: those that some outputs need, built anew for
 * every batch size.
 */
import { create } from '@bufbuild/protobuf'
import { NodeProtoSchema } from 'onnx-buf'
import type { Graph } from '../../graph/graph.ts'
import { reshape, transpose } from '../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { located } from './apply.ts'
import { Block, type Constants } from './block.ts'
import type { Slot } from './edit.ts'
import { type Ending, endingOf } from './endings.ts'
import type { OnnxFile } from './file.ts'
import type { ImportOptions } from './input.ts'
import { fixedBatch, type ModelInput, modelInputs } from './model-inputs.ts'
import { Operation } from './operation.ts'
import { overSamples, rowMajor } from './operators/layouts.ts'
import { Frame, missing, Reading } from './reading.ts'
import { Scope, Unsupported } from './scope.ts'
import { dtypes, isFloating, numbersOf } from './tensor.ts'
import { Known, type Value } from './value.ts'

/** Versions of ONNX's operators that run here. */
const OPSETS = { least: 1, most: 25 } as const

/** What the inputs of a model stand for in a run. */
export interface Fed {
  batch: number
  values: ReadonlyMap<string, Value>
}

export type Translated = ReturnType<NetworkReader['translate']>

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
  /** All that the network gives. */
  readonly ending: Ending
  /** Of these, what is trained and judged by. */
  readonly counted: Ending
  readonly #main: Block
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
    this.#main = Block.main(file, knownTensors(file))
    if (file.graph.output.length === 0) throw new UserError(`${file.path} is not a valid ONNX model: it has no output`)
    this.ending = endingOf(file, this.#main.operations)
    this.counted = countedOf(this.ending, file, options)
    this.first = this.beforeSoftmax(this.counted.outputs[0], 2)
  }

  /**
   * What goes into the softmax over the last of `rank` axes that an output is; the output itself where it is
   * none.
   */
  beforeSoftmax(output: string, rank: number): BeforeSoftmax {
    return beforeSoftmax(output, rank, this.#main.operations)
  }

  /** Appends all nodes that the outputs need; what every name stands for. */
  translate(graph: Graph, fed: Fed, { training, outputs, beside }: TranslateOptions) {
    const { file, inputs: free } = this
    const scope = beside ?? new Scope(graph, { training, batch: fed.batch, fixedBatch: this.fixedBatch })
    const values = new Map<string, Value>([...this.#given, ...fed.values])
    for (const { name, type } of free) if (values.has(name)) scope.setType(values.get(name)!, type)
    const deciding = free.flatMap(({ name, sizes }) => (sizes.every((size) => size === 1) ? [name] : []))
    const reading = new Reading(file, { scope, asRead: this.#asRead, deciding })
    reading.run(new Frame(this.#main, values), new Set(outputs))
    return { scope, values, madeBy: reading.madeBy }
  }

  /** An output as a tensor, also one that is known before the network runs. */
  tensorOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope): Tensor {
    const { file } = this
    const end = new Operation(create(NodeProtoSchema, { opType: 'output', name }), file.opset)
    const root = { node: end.proto, input: 0 }
    const value = values.get(name) ?? this.#main.constant(name, root) ?? missing(file, `its output is ${name}`, name)
    const maker = this.#main.operations.find(({ outputs }) => outputs.includes(name)) ?? end
    return located(file.path, maker, () => scope.tensor(value, end))
  }

  /** An output as [N, the rest]; its samples run along `axis`. */
  rowsOf(values: ReadonlyMap<string, Value>, name: string, scope: Scope, axis = 0): Tensor {
    const { graph, batch } = scope
    const tensor = this.tensorOf(values, name, scope)
    const { shape } = tensor
    if (batch > 1 && shape[axis] !== batch)
      throw new Unsupported(
        `${this.file.path}: its output ${name} [${shape}] is not computed for each sample of a batch of ${batch}`,
      )
    const rows = [batch, sizeOf(shape) / batch]
    if (batch === 1) return reshape(graph, tensor, rows, true)
    const first = [axis, ...Array.from(shape.keys()).filter((other) => other !== axis)]
    const samples = axis === 0 ? tensor : transpose(graph, rowMajor(graph, tensor), first)
    return reshape(graph, overSamples(graph, samples), rows, true)
  }
}

/**
 * The output that an option names, else all that the file does not say to be whole numbers. Throws UserError
 * where there is none of that name.
 */
function countedOf({ outputs, lacking }: Ending, { path, graph }: OnnxFile, { output }: ImportOptions): Ending {
  if (output !== undefined) {
    if (!outputs.includes(output))
      throw new UserError(`--only-output: ${path} has the outputs ${outputs.join(', ')}, found ${output}`)
    return { outputs: [output], lacking: [] }
  }
  const types = new Map(graph.output.map(({ name, type }) => [name, type?.value] as const))
  const isWhole = (name: string) => {
    const type = types.get(name)
    const elements = type?.case === 'tensorType' ? dtypes[type.value.elemType] : undefined
    return elements !== undefined && !isFloating(elements)
  }
  const floats = outputs.filter((name) => !isWhole(name))
  if (floats.length === 0) return { outputs, lacking }
  const rest = outputs
    .filter(isWhole)
    .map((name) => ({ output: name, reason: `${path}: its output ${name} holds no floats` }))
  return { outputs: floats, lacking: [...lacking, ...rest] }
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

/** Stored tensors by their keys, each read once; for every node that reads one as a value of its own. */
function knownTensors({ stored }: OnnxFile): Constants {
  const found = new Map<string, Known>()
  const views = new WeakMap<Slot, Known>()
  return (key, root) => {
    const known = found.get(key) ?? asKnown(stored.get(key)!())
    found.set(key, known)
    const { shape, type, whole } = known
    const source = whole ? undefined : { key, transposed: false, root }
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
