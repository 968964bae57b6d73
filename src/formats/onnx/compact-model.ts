/**
 * @file A model without the channels that it does not need, by changes of its messages. Which channels go is
 * decided on our graph (graph/compact.ts); each difference between the two graphs is then made where the file
 * has it. What the file cannot say otherwise, such as a number of channels in a shape that is computed, keeps
 * its channels.
 */
import { create } from '@bufbuild/protobuf'
import { type NodeProto, NodeProtoSchema } from 'onnx-buf'
import { type CompactLayer, compact } from '../../graph/compact.ts'
import type { Graph } from '../../graph/graph.ts'
import { multiplications } from '../../graph/multiplications.ts'
import type { Node } from '../../graph/operator.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import { namesRead } from './bodies.ts'
import { NodeEdits } from './compact-nodes.ts'
import { ModelEditor } from './edit.ts'
import { type OnnxFile, openModel } from './file.ts'
import type { ImportOptions } from './input.ts'
import { readsAll, replaceReads, setSource } from './network-weights.ts'
import { Operation } from './operation.ts'
import { floatsAs } from './rewrite.ts'
import { type Origin, Unsupported } from './scope.ts'
import { type Whole, wholeNetwork } from './whole-network.ts'

export interface CompactReport {
  layers: CompactLayer[]
  /** Weights and biases, scales included. */
  parameters: { before: number; after: number }
  /** Of one image. */
  multiplications: { before: number; after: number }
}

export interface CompactModelOptions extends ImportOptions {
  /** Channels of a layer are kept in multiples of it. Default 1. */
  multipleOf?: number
}

/** The number of times that a node of the file is found to fix its channels before it is given up. */
const ATTEMPTS = 100

/** Throws UserError where the network, or one of its outputs, does not run here. */
export function compactModel(
  file: OnnxFile,
  options: CompactModelOptions = {},
): { file: OnnxFile; report: CompactReport } {
  const whole = wholeNetwork(file, options, 1)
  const [lacking] = whole.lacking
  if (lacking)
    throw new UserError(
      `${file.path}: channels can only be left out where all outputs run here, but ${lacking.output} does not: ${lacking.reason}`,
    )
  const fixed = new Set<Node>()
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { layers, graph, values } = compact(whole.graph, whole.values, { multipleOf: options.multipleOf, fixed })
    const edit = new CompactEdit(file, whole, { graph, values })
    const stuck = edit.stuck.length > 0 ? edit.stuck : edit.unreadable(options)
    if (stuck.length === 0) {
      const sizes = (of: (graph: Graph) => number) => ({ before: of(whole.graph), after: of(graph) })
      const work = (one: Graph) => [...multiplications(one).values()].reduce((sum, n) => sum + n, 0)
      return { file: edit.file, report: { layers, parameters: sizes(parameters), multiplications: sizes(work) } }
    }
    for (const node of stuck) fixed.add(node)
  }
  throw new UserError(`${file.path}: no way was found to leave channels out of it`)
}

const parameters = (graph: Graph) => graph.withRole('parameter').reduce((sum, { shape }) => sum + sizeOf(shape), 0)

class CompactEdit {
  readonly #whole: Whole
  readonly #editor: ModelEditor
  readonly #nodes: NodeEdits
  /** Nodes of the graph whose difference the file cannot say. */
  readonly stuck: Node[] = []
  #made?: OnnxFile

  constructor(file: OnnxFile, whole: Whole, small: { graph: Graph; values: ReadonlyMap<string, ArrayLike<number>> }) {
    this.#whole = whole
    this.#editor = new ModelEditor(file)
    const after = new Map(small.graph.nodes.map((node) => [node.outputs[0].name, node]))
    this.#nodes = new NodeEdits(this.#editor, whole.madeBy, after)
    for (const node of whole.graph.nodes) {
      const smaller = after.get(node.outputs[0].name)
      if (smaller && !this.#change(node, smaller, small)) this.stuck.push(node)
    }
    if (this.stuck.length > 0) return
    for (const [name, origin] of whole.origins) {
      const [old, now] = [whole.graph.tensors.get(name), small.graph.tensors.get(name)]
      if (old && now && !this.#setTensor(origin, old, now, valuesOf(now, small.values)))
        this.stuck.push(...whole.graph.nodes.filter(({ inputs }) => inputs.includes(old)))
    }
    this.#dropUnneeded()
  }

  /** The changed file. */
  get file(): OnnxFile {
    const { path, external } = this.#editor.file
    this.#made ??= openModel(this.#editor.finish(), path, external)
    return this.#made
  }

  /** Nodes of the graph that stand for one of the changed file that can no longer be read. */
  unreadable(options: ImportOptions): Node[] {
    try {
      const { graph } = wholeNetwork(this.file, options, 1)
      for (const [name, { shape }] of this.#whole.graph.outputs)
        if (String(graph.outputs.get(name)?.shape) !== String(shape))
          throw new Error(`the shape of output ${name} changed`)
      return []
    } catch (error) {
      if (!(error instanceof Unsupported) || !error.output) throw error
      const nodes = this.#madeFor(error.output)
      if (nodes.length === 0) throw error
      return nodes
    }
  }

  /**
   * The nodes of the graph for the node of the file that computes `name`, or, where that became none, for
   * those that it reads.
   */
  #madeFor(name: string): Node[] {
    const proto = this.#editor.file.graph.node.find(({ output }) => output.includes(name))
    if (!proto) return []
    const made = [...this.#whole.madeBy].flatMap(([node, maker]) => (maker === proto ? [node] : []))
    return made.length > 0 ? made : proto.input.flatMap((input) => this.#madeFor(input))
  }

  /** Makes the differences between a node and what has become of it; false where the file cannot say them. */
  #change(node: Node, now: Node, { values }: { values: ReadonlyMap<string, ArrayLike<number>> }): boolean {
    const proto = this.#whole.madeBy.get(node)
    const [old, bias] = [node.inputs[2], now.inputs[2]]
    if (now.operator.weight !== undefined && bias && bias.name !== old?.name) {
      const list = Float32Array.from(values.get(bias.name)!)
      if (old || !proto || !this.#editor.file.graph.node.includes(proto) || !this.#addBias(proto, bias.name, list))
        return false
    }
    const differs = Object.keys(now.attributes).filter(
      (name) => String(now.attributes[name]) !== String(node.attributes[name]),
    )
    if (differs.length === 0) return true
    // What graphs inside of nodes and functions say of channels stays.
    if (!proto || !this.#editor.file.graph.node.includes(proto)) return false
    return this.#nodes.change(proto, node, now, differs)
  }

  #addBias(proto: NodeProto, wanted: string, values: Float32Array): boolean {
    const operation = new Operation(proto, this.#editor.file.opset)
    if (!this.#editor.isStored(proto.input[1])) return false
    const tensor = floatsAs(this.#editor.tensor(proto.input[1]).dtype, [values.length], values)
    if (proto.opType === 'Conv' || (proto.opType === 'Gemm' && operation.float('alpha', 1) === 1)) {
      if (operation.float('beta', 1) !== 1 || proto.input[2]) return false
      this.#editor.setInput({ node: proto, input: 2 }, this.#editor.addTensor(wanted, tensor))
      return true
    }
    if (proto.opType !== 'MatMul') return false
    const [output] = proto.output
    const product = this.#editor.freeName(`${output}.product`)
    this.#editor.setOutput(proto, 0, product)
    const input = [product, this.#editor.addTensor(wanted, tensor)]
    this.#editor.insertAfter(
      proto,
      create(NodeProtoSchema, { opType: 'Add', name: `${product}.add`, input, output: [output] }),
    )
    return true
  }

  #setTensor(origin: Origin, old: Tensor, now: Tensor, values: ArrayLike<number>): boolean {
    const before = valuesOf(old, this.#whole.values)
    if (String(old.shape) === String(now.shape) && equal(before, values)) return true
    const { source, reads } = origin
    const shared = [...this.#whole.origins.values()].filter((one) => one.source?.key === source?.key).length > 1
    const tensor = { values, shape: now.shape }
    if (source && !shared && readsAll(this.#editor.file, origin)) {
      const stored = this.#editor.tensor(source.key).shape
      const shape = likewise(old.shape, now.shape, source.transposed ? [...stored].reverse() : stored)
      if (!shape) return false
      setSource(this.#editor, origin, tensor, source.transposed ? [...shape].reverse() : shape)
      return true
    }
    const shapes = reads.map(({ shape, transposed }) =>
      likewise(old.shape, now.shape, transposed ? [...shape].reverse() : shape),
    )
    if (shapes.length === 0 || shapes.some((shape) => !shape)) return false
    const turned = shapes.map((shape, i) => (reads[i].transposed ? [...shape!].reverse() : shape!))
    replaceReads(
      this.#editor,
      old.name,
      { ...origin, reads: reads.map((read, i) => ({ ...read, shape: turned[i] })) },
      tensor,
    )
    return true
  }

  /**
   * Nodes that no output needs go: they may read what is smaller now. What the file says of shapes after a
   * change is left out.
   */
  #dropUnneeded(): void {
    const { graph } = this.#editor.file
    const needed = new Set(graph.output.map(({ name }) => name))
    for (const node of [...graph.node].reverse())
      if (node.output.some((name) => needed.has(name))) for (const name of namesRead(node)) needed.add(name)
    for (const node of graph.node) if (!node.output.some((name) => needed.has(name))) this.#editor.remove(node)
    this.#editor.forgetShapes(graph.node.flatMap(({ output }) => output))
  }
}

const valuesOf = (
  { name, shape, values }: Tensor,
  stored: ReadonlyMap<string, ArrayLike<number>>,
): ArrayLike<number> => {
  const list = values ?? stored.get(name)!
  return typeof list === 'number' ? new Float64Array(sizeOf(shape)).fill(list) : list
}

const equal = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]))

/**
 * The shape that `other`, which has the axes of `old` but for axes of size 1, gets where `old` becomes `now`;
 * undefined where it has others.
 */
function likewise(old: Shape, now: Shape, other: Shape): number[] | undefined {
  const axes = old.flatMap((n, axis) => (n > 1 ? [axis] : []))
  let next = 0
  const shape = other.map((n) => (n > 1 ? (n === old[axes[next]] ? now[axes[next++]] : Number.NaN) : 1))
  return next === axes.length && !shape.some(Number.isNaN) ? shape : undefined
}
