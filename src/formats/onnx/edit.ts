/**
 * @file Changes of a model's messages: other values, shapes and names in single places, nodes that go or
 * come. Everything that is not touched stays the message that was read; what nothing reads any more because
 * of a change goes.
 */
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { graphsOf, namesRead } from './bodies.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'
import { denseTensor, withTensors } from './rewrite.ts'

/** An input of a node. */
export interface Slot {
  node: NodeProto
  input: number
}

export class ModelEditor {
  readonly file: OnnxFile
  /** Nodes that differ from those of the file; undefined: gone. */
  readonly #nodes = new Map<NodeProto, NodeProto | undefined>()
  /** Nodes to come before all others of the main graph. */
  readonly #first: NodeProto[] = []
  /** Nodes to come, by the node of the file that they follow. */
  readonly #after = new Map<NodeProto, NodeProto[]>()
  readonly #tensors = new Map<string, StoredTensor>()
  readonly #added = new Map<string, StoredTensor>()
  readonly #names: Set<string>
  /** Names that lost a reader, and values whose shape is another. */
  readonly #left = new Set<string>()
  readonly #reshaped = new Set<string>()

  constructor(file: OnnxFile) {
    this.file = file
    this.#names = new Set(namesIn(file.graph))
  }

  /** A node as it stands now; undefined where it is gone. */
  now(node: NodeProto): NodeProto | undefined {
    return this.#nodes.has(node) ? this.#nodes.get(node) : node
  }

  /** Whether the main graph stores a tensor of that name. */
  isStored(name: string): boolean {
    return this.#added.has(name) || this.file.stored.has(name)
  }

  /** A stored tensor as it stands now. */
  tensor(name: string): StoredTensor {
    return this.#added.get(name) ?? this.#tensors.get(name) ?? this.file.stored.get(name)!()
  }

  /** Nodes of the main graph that read a name, themselves or in graphs inside of them, as they stand now. */
  readers(name: string): NodeProto[] {
    const present = this.file.graph.node.flatMap((node) => [this.now(node) ?? [], this.#after.get(node) ?? []].flat())
    return [...this.#first, ...present].filter((node) => namesRead(node).has(name))
  }

  isOutput(name: string): boolean {
    return this.file.graph.output.some((output) => output.name === name)
  }

  /** Other values, maybe of another shape, in the place of a stored tensor. */
  setTensor(name: string, tensor: StoredTensor): void {
    if (this.#added.has(name)) this.#added.set(name, tensor)
    else this.#tensors.set(name, tensor)
  }

  /** A new stored tensor; the name that it got, `wanted` where that is free. */
  addTensor(wanted: string, tensor: StoredTensor): string {
    const name = this.freeName(wanted)
    this.#added.set(name, tensor)
    return name
  }

  freeName(wanted: string): string {
    let name = wanted
    for (let i = 2; this.#names.has(name); i++) name = `${wanted}.${i}`
    this.#names.add(name)
    return name
  }

  /** Throws UserError where the node is in a function, which sees no tensor that is stored outside. */
  setInput({ node, input }: Slot, name: string): void {
    const [one] = this.file.proto.functions.filter((called) => hasNode(called.node, node))
    if (one)
      throw new UserError(
        `${this.file.path}: what ${node.name || node.output[0]} (${node.opType}) reads in the function ${one.name} cannot be written back, since it is not stored as it is read`,
      )
    const now = this.now(node)!
    const inputs = [...now.input]
    while (inputs.length < input) inputs.push('')
    if (inputs[input]) this.#left.add(inputs[input])
    inputs[input] = name
    this.#nodes.set(node, changed(NodeProtoSchema, now, { input: inputs }))
  }

  setOutput(node: NodeProto, output: number, name: string): void {
    const now = this.now(node)!
    this.#nodes.set(node, changed(NodeProtoSchema, now, { output: now.output.with(output, name) }))
  }

  setAttribute(node: NodeProto, attribute: AttributeProto): void {
    const now = this.now(node)!
    const others = now.attribute.filter(({ name }) => name !== attribute.name)
    this.#nodes.set(node, changed(NodeProtoSchema, now, { attribute: [...others, attribute] }))
  }

  remove(node: NodeProto): void {
    for (const name of namesRead(this.now(node)!)) this.#left.add(name)
    this.#nodes.set(node, undefined)
  }

  /** A node of the main graph before all that are there; those that were put there earlier come first. */
  insertFirst(node: NodeProto): void {
    this.#first.push(node)
  }

  /** A node right after another. */
  insertAfter(node: NodeProto, one: NodeProto): void {
    this.#after.set(node, [...(this.#after.get(node) ?? []), one])
  }

  /** The shapes that the file states of what is computed from here on no longer hold. */
  forgetShapes(names: Iterable<string>): void {
    for (const name of names) this.#reshaped.add(name)
  }

  /** The changed model. */
  finish(): ModelProto {
    const model = withTensors(this.file, this.#tensors)
    const graph = model.graph!
    // Nodes are other messages by now where a Constant of theirs has changed.
    const node = [...this.#first, ...this.#edited(this.file.graph.node, graph.node)]
    const initializer = [...graph.initializer, ...[...this.#added].map(([name, tensor]) => denseTensor(tensor, name))]
    const whole = changed(GraphProtoSchema, graph, { node, initializer })
    return changed(ModelProtoSchema, model, { graph: this.#statedShapes(withoutUnread(whole, this.#left)) })
  }

  /** Nodes of a graph with all changes; `now`: the same with the tensors that have changed. */
  #edited(before: readonly NodeProto[], now: readonly NodeProto[]): NodeProto[] {
    return before.flatMap((one, i) => {
      const node = this.#nodes.has(one) ? this.#nodes.get(one) : now[i]
      const whole = node && graphsOf(one).length > 0 ? this.#withGraphs(node, one, now[i]) : node
      return [...(whole ? [whole] : []), ...(this.#after.get(one) ?? [])]
    })
  }

  /** A node with the graphs of `now` and all changes in them, which was `before`. */
  #withGraphs(node: NodeProto, before: NodeProto, now: NodeProto): NodeProto {
    const attribute = now.attribute.map((one, i) => {
      const was = before.attribute[i].g
      if (!one.g || !was) return one
      const inside = this.#edited(was.node, one.g.node)
      const same = inside.length === was.node.length && inside.every((made, at) => made === one.g?.node[at])
      return same ? one : changed(AttributeProtoSchema, one, { g: changed(GraphProtoSchema, one.g, { node: inside }) })
    })
    const same = node === now && attribute.every((one, i) => one === now.attribute[i])
    return same ? node : changed(NodeProtoSchema, node, { attribute })
  }

  #statedShapes(graph: GraphProto): GraphProto {
    const made = new Set(graph.node.flatMap(({ output }) => output))
    const valueInfo = graph.valueInfo.filter(({ name }) => made.has(name) && !this.#reshaped.has(name))
    return valueInfo.length === graph.valueInfo.length ? graph : changed(GraphProtoSchema, graph, { valueInfo })
  }
}

/** All names of a graph and of those inside of its nodes, in which a name hides one of the same outside. */
function namesIn({ node, input, initializer, sparseInitializer }: GraphProto): string[] {
  return [
    ...[...input, ...initializer].map(({ name }) => name),
    ...sparseInitializer.map(({ values }) => values?.name ?? ''),
    ...node.flatMap((one) => [...one.output, ...one.input, ...graphsOf(one).flatMap(namesIn)]),
  ]
}

/** Whether a node is among some, or in a graph inside of them. */
const hasNode = (nodes: readonly NodeProto[], node: NodeProto): boolean =>
  nodes.includes(node) || nodes.some((one) => graphsOf(one).some((graph) => hasNode(graph.node, node)))

/**
 * A graph without the nodes and stored tensors among `names`, and what only they read, that nothing reads any
 * more.
 */
function withoutUnread(graph: GraphProto, names: ReadonlySet<string>): GraphProto {
  const readers = new Map<string, number>()
  const count = (name: string, by: number) => readers.set(name, (readers.get(name) ?? 0) + by)
  for (const node of graph.node) for (const name of namesRead(node)) count(name, 1)
  for (const { name } of graph.output) count(name, 1)
  const unread = (name: string) => name === '' || (readers.get(name) ?? 0) === 0
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)))
  const gone = new Set<NodeProto>()
  const tensors = new Set<string>()
  const look = [...names]
  for (let name = look.pop(); name !== undefined; name = look.pop()) {
    if (!unread(name)) continue
    const maker = makers.get(name)
    if (!maker) tensors.add(name)
    else if (!gone.has(maker) && maker.output.every(unread)) {
      gone.add(maker)
      for (const read of namesRead(maker)) {
        count(read, -1)
        look.push(read)
      }
    }
  }
  const stored = new Set(graph.initializer.map(({ name }) => name))
  return changed(GraphProtoSchema, graph, {
    node: graph.node.filter((node) => !gone.has(node)),
    initializer: graph.initializer.filter(({ name }) => !tensors.has(name)),
    sparseInitializer: graph.sparseInitializer.filter(({ values }) => !tensors.has(values?.name ?? '')),
    // Before version 4 of the format stored tensors were inputs, too.
    input: graph.input.filter(({ name }) => !tensors.has(name) || !stored.has(name)),
  })
}
