/**
 * @file All graphs of a model: the main one, those inside of nodes (the branches of an If, the body of a
 * Loop) and the bodies of functions. What is done to nodes and stored tensors is done to every one of them.
 */
import { create } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf'
import { changed } from './changed.ts'

/** Where a graph stands: '' for the main one, `node/attribute/` or `function/` (repeatedly) for others. */
export type Path = string

/**
 * The model with every graph replaced by what `change` makes of it; graphs inside of nodes first. A
 * function's body is shown as a graph without stored tensors, of which only the nodes are taken. What does
 * not change is not copied.
 */
export function mapBodies(model: ModelProto, change: (body: GraphProto, path: Path) => GraphProto): ModelProto {
  const graph = model.graph && mapGraph(model.graph, '', change)
  const functions = model.functions.map((one) => {
    const body = create(GraphProtoSchema, { node: one.node })
    const { node } = mapGraph(body, functionPath(one), change)
    return node === body.node ? one : changed(FunctionProtoSchema, one, { node })
  })
  const same = graph === model.graph && functions.every((one, i) => one === model.functions[i])
  return same ? model : changed(ModelProtoSchema, model, { graph, functions })
}

function mapGraph(graph: GraphProto, path: Path, change: (body: GraphProto, path: Path) => GraphProto): GraphProto {
  const label = labels(graph.node)
  const node = graph.node.map((one) => mapNode(one, `${path}${label(one)}`, change))
  const inside = node.some((one, i) => one !== graph.node[i]) ? changed(GraphProtoSchema, graph, { node }) : graph
  return change(inside, path)
}

/**
 * What the nodes of a graph are called in paths: names need not be unique, those of what they compute are.
 */
function labels(nodes: readonly NodeProto[]): (node: NodeProto) => string {
  const named = new Map<string, number>()
  for (const { name } of nodes) named.set(name, (named.get(name) ?? 0) + 1)
  return ({ name, output, opType }) => (name && named.get(name) === 1 ? name : output[0] || name || opType)
}

/** Where the body of a function stands. */
export const functionPath = ({ domain, name, overload }: FunctionProto): Path =>
  `${[domain, name, overload].filter((part) => part !== '').join('.')}/`

/** Where the graphs stand that are attributes of the nodes of a graph, which stands at `path`. */
export function pathsInside(nodes: readonly NodeProto[], path: Path): (node: NodeProto, attribute: string) => Path {
  const label = labels(nodes)
  return (node, attribute) => `${path}${label(node)}/${attribute}/`
}

function mapNode(node: NodeProto, at: Path, change: (body: GraphProto, path: Path) => GraphProto): NodeProto {
  if (!node.attribute.some(({ g, graphs }) => g || graphs.length > 0)) return node
  const attribute = node.attribute.map((one) => {
    const inside = `${at}/${one.name}/`
    const g = one.g && mapGraph(one.g, inside, change)
    const graphs = one.graphs.map((graph, i) => mapGraph(graph, `${inside}${i}/`, change))
    const same = g === one.g && graphs.every((graph, i) => graph === one.graphs[i])
    return same ? one : changed(AttributeProtoSchema, one, { g, graphs })
  })
  return attribute.every((one, i) => one === node.attribute[i]) ? node : changed(NodeProtoSchema, node, { attribute })
}

/** The graphs inside of a node. */
export const graphsOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))

/** Names that a node reads: its inputs, and what graphs inside of it read from outside. */
export function namesRead(node: NodeProto): Set<string> {
  const read = new Set(node.input.filter((name) => name !== ''))
  for (const graph of graphsOf(node)) for (const name of namesFromOutside(graph)) read.add(name)
  return read
}

function namesFromOutside(graph: GraphProto): Set<string> {
  const own = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ''),
    ...graph.node.flatMap(({ output }) => output),
  ])
  const read = new Set(graph.output.map(({ name }) => name))
  for (const node of graph.node) for (const name of namesRead(node)) read.add(name)
  return new Set([...read].filter((name) => !own.has(name)))
}
