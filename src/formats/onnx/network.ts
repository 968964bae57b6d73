/** @file An ONNX file as a network: its graph, built anew for every batch size, and where the weights of that graph are stored. */
import { create } from '@bufbuild/protobuf'
import { NodeProtoSchema } from 'onnx-buf'
import { Graph } from '../../graph/graph.ts'
import { reshape } from '../../graph/operators/shape.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { type StoredTensor, storeFloats, toFloats } from '../safetensors-bytes.ts'
import { applyNode, located } from './apply.ts'
import type { OnnxFile } from './file.ts'
import { type ImageInput, inputOf, toInput } from './input.ts'
import { Operation } from './operation.ts'
import { operationsOf } from './operations.ts'
import { Scope, Unsupported } from './scope.ts'
import { isFloating, numbersOf } from './tensor.ts'
import { Known, type Origin, transposed, type Value } from './value.ts'

/** Versions of ONNX's operators that run here. */
const OPSETS = { least: 7, most: 25 } as const

/** Samples of the batch that a file is tried with: a number that is hardly a size of a network. */
const SAMPLES = 23

export interface ImportOptions {
  /** Rows and columns of images, where the file leaves them open. */
  plane?: readonly [number, number]
  /** How its images are laid out. Default: told by where the 1, 3 or 4 channels are. */
  layout?: 'NCHW' | 'NHWC'
}

export interface OnnxNetwork {
  model: Model
  /** Parameters and buffers as the model has them, float32. */
  tensors: Map<string, StoredTensor>
  /** Where they are stored, by the same names. */
  origins: ReadonlyMap<string, Origin>
}

/** What the model computes before its last softmax, [N, classes]: its logits. Throws UserError, or Unsupported where a node cannot be run. */
export function importOnnx(file: OnnxFile, options: ImportOptions = {}): OnnxNetwork {
  if (file.opset < OPSETS.least || file.opset > OPSETS.most)
    throw new Unsupported(
      `${file.path} uses version ${file.opset} of ONNX's operators, expected ${OPSETS.least} to ${OPSETS.most}: export it again with opset 17`,
    )
  const input = inputOf(file, options)
  const operations = operationsOf(file)
  const constants = knownTensors(file)
  const build = (graph: Graph, images: Tensor, training: boolean) => {
    const scope = new Scope(graph, { training, batch: images.shape[0], fixedBatch: input.batch })
    return { scope, output: translate(file, { scope, input, operations, constants, images }) }
  }
  const graph = new Graph()
  const { scope, output } = build(graph, graph.input('images', [SAMPLES, ...input.image]), false)
  if (!output.batched || output.shape.length !== 2)
    throw new Unsupported(
      `${file.path}: its output has the shape [${output.shape}], expected one row of scores per sample`,
    )
  const stored = graph.stored()
  const tensors = new Map(stored.map(({ name, shape }) => [name, tensorOf(file, scope.origins.get(name)!, shape)]))
  const model: Model = {
    ...{ name: file.path, summary: `ONNX model, ${file.graph.node.length} nodes`, image: input.image },
    classes: output.shape[1],
    build: (into, images, training) => build(into, images, training).output,
  }
  return { model, tensors, origins: scope.origins }
}

interface Translation {
  scope: Scope
  input: ImageInput
  operations: readonly Operation[]
  constants: (name: string) => Known | undefined
  images: Tensor
}

/** Appends all nodes that the output needs; that output. */
function translate(file: OnnxFile, { scope, input, operations, constants, images }: Translation): Tensor {
  const values = new Map<string, Value>([[input.name, toInput(images, input, scope.graph)]])
  const output = logitsOf(file, operations)
  const needed = neededBy(output, operations)
  for (const operation of operations) {
    if (!needed.has(operation)) continue
    const inputs = operation.inputs.map((name) => {
      if (name === '') return undefined
      return values.get(name) ?? constants(name) ?? missing(file, `${operation.label} reads ${name}`, name)
    })
    const results = applyNode(operation, inputs, scope, file)
    operation.outputs.forEach((name, i) => {
      const result = results[i]
      if (name !== '' && result) values.set(name, result)
    })
  }
  const value = values.get(output) ?? constants(output) ?? missing(file, `its output is ${output}`, output)
  const end = new Operation(create(NodeProtoSchema, { opType: 'output', name: output }), file.opset)
  return located(file.path, operations.find(({ outputs }) => outputs.includes(output)) ?? end, () => {
    const tensor = scope.tensor(value, end)
    if (!tensor.batched) throw new Unsupported(`its output ${output} is not computed for each sample of a batch`)
    return reshape(scope.graph, tensor, [tensor.shape[0], sizeOf(tensor.shape) / tensor.shape[0]])
  })
}

/** Throws: something needs (`what` says it) what nothing computes, or what is not computed here. */
function missing({ path, graph }: OnnxFile, what: string, name: string): never {
  const maker = graph.node.find(({ output }) => output.includes(name))
  if (!maker) throw new UserError(`${path}: ${what}, which nothing before it computes`)
  throw new Unsupported(
    `${path}: ${what}, an output of ${new Operation(maker, 0).label} that is not computed here; pruning by --method magnitude or random works all the same, it only rewrites stored weights`,
  )
}

/** Stored tensors by name, each read once. */
function knownTensors({ stored }: OnnxFile): (name: string) => Known | undefined {
  const found = new Map<string, Known>()
  return (name) => {
    const read = stored.get(name)
    if (!read || found.has(name)) return found.get(name)
    const tensor = read()
    const known = new Known(tensor.shape, () => numbersOf(tensor), {
      type: tensor.dtype,
      origin: isFloating(tensor.dtype) ? { name, transposed: false } : undefined,
    })
    found.set(name, known)
    return known
  }
}

/** The nodes that a value depends on. Those that compute something else, such as a second output, need not run. */
function neededBy(output: string, operations: readonly Operation[]): Set<Operation> {
  const names = new Set([output])
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

/** A stored tensor as float32, in the order of the parameter that it becomes. */
function tensorOf(file: OnnxFile, { name, transposed: turned }: Origin, shape: Shape): StoredTensor {
  const values = toFloats(file.stored.get(name)!())
  return storeFloats(turned ? transposed(values, shape[1], shape[0]) : values, shape)
}
