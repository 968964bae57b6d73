/** @file Which nodes read each stored tensor of a model, in whatever graph they and it are. */
import type { GraphProto, ModelProto, NodeProto } from 'onnx-buf'
import { functionPath, type Path, pathsInside } from './bodies.ts'
import { keyOf, nameOf, storedValue } from './places.ts'

/**
 * Keys of stored tensors by the names that nodes of a graph see; undefined: a name is something else there.
 */
type Names = ReadonlyMap<string, string | undefined>

/**
 * By key (places.ts). A graph inside of a node that has a stored tensor as its output counts as that node.
 */
export type Readers = ReadonlyMap<string, ReadonlySet<NodeProto>>

const known = new WeakMap<ModelProto, Readers>()

export function readersOf(model: ModelProto): Readers {
  const readers = known.get(model) ?? find(model)
  known.set(model, readers)
  return readers
}

function find({ graph, functions }: ModelProto): Readers {
  const readers = new Map<string, Set<NodeProto>>()
  const read = (names: Names, name: string, node: NodeProto) => {
    const key = names.get(name)
    if (key !== undefined) readers.set(key, (readers.get(key) ?? new Set()).add(node))
  }
  const nodes = (list: readonly NodeProto[], names: Names, path: Path) => {
    const inside = pathsInside(list, path)
    for (const node of list) {
      for (const name of node.input) read(names, name, node)
      for (const { name, g } of node.attribute) {
        if (!g) continue
        const own = namesIn(g, inside(node, name), names)
        nodes(g.node, own, inside(node, name))
        for (const output of g.output) read(own, output.name, node)
      }
    }
  }
  if (graph) nodes(graph.node, namesIn(graph, '', new Map()), '')
  for (const one of functions) {
    const path = functionPath(one)
    nodes(one.node, new Map(constants(one.node, path)), path)
  }
  return readers
}

const constants = (nodes: readonly NodeProto[], path: Path) =>
  nodes.filter(storedValue).map(({ output: [name] }) => [name, keyOf(path, name)] as const)

function namesIn(graph: GraphProto, path: Path, outside: Names): Names {
  const { input, node, initializer, sparseInitializer } = graph
  const others = [...input.map(({ name }) => name), ...node.flatMap(({ output }) => output)]
  const stored = [...initializer, ...sparseInitializer].map(nameOf)
  return new Map([
    ...outside,
    ...others.map((name) => [name, undefined] as const),
    ...stored.map((name) => [name, keyOf(path, name)] as const),
    ...constants(node, path),
  ])
}
