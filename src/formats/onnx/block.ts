/**
 * @file One graph of a model as operations: the main one, one inside of a node, which sees the names of the
 * graph that the node is in, or the body of a function for one call.
 */
import type { FunctionProto, GraphProto, NodeProto } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { functionPath, type Path, pathsInside } from './bodies.ts'
import type { Slot } from './edit.ts'
import type { OnnxFile } from './file.ts'
import { calledBy, type Functions, functionsOf, opsetOf } from './functions.ts'
import type { Operation } from './operation.ts'
import { operationsOf } from './operations.ts'
import { keyOf, nameOf, storedValue } from './places.ts'
import type { Known } from './value.ts'
import { callAttributes, withAttributes } from './weights/attributes.ts'

/** Stored tensors by their keys, for the node that reads one. */
export type Constants = (key: string, root: Slot) => Known

/** What all blocks of a model have in common. */
interface Common {
  file: OnnxFile
  functions: Functions
  constants: Constants
}

interface BlockText {
  nodes: readonly NodeProto[]
  inputs: readonly string[]
  outputs: readonly string[]
  path: Path
  opset: number
  /** Names of stored tensors, but for those of Constant nodes. */
  stored?: readonly string[]
  /** The graph that this one is in. */
  outside?: Block
  /** In a function: the attributes of the call. */
  attributes?: ReturnType<typeof callAttributes>
  /** Functions that are being called, from the outermost. */
  calls?: readonly FunctionProto[]
}

/** What a graph says of itself. */
const graphText = ({ node, input, output, initializer, sparseInitializer }: GraphProto) => ({
  nodes: node,
  inputs: input.map(({ name }) => name),
  outputs: output.map(({ name }) => name),
  stored: [...initializer, ...sparseInitializer].map(nameOf),
})

export class Block {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly operations: readonly Operation[]
  readonly #common: Common
  readonly #text: BlockText
  /** Keys of the tensors that it stores, by name. */
  readonly #keys: ReadonlyMap<string, string>
  /** Names that mean something else here than outside. */
  readonly #own: ReadonlySet<string>
  readonly #pathInside: ReturnType<typeof pathsInside>
  readonly #inside = new Map<string, Block>()
  readonly #called = new WeakMap<Operation, Block>()

  constructor(common: Common, text: BlockText) {
    const { nodes, inputs, outputs, path, opset, stored = [] } = text
    this.inputs = inputs
    this.outputs = outputs
    this.#common = common
    this.#text = text
    const constants = nodes.filter(storedValue).map(({ output }) => output[0])
    const kept = [...stored, ...constants].map((name) => [name, keyOf(path, name)] as const)
    this.#keys = new Map(kept.filter(([, key]) => common.file.stored.has(key)))
    this.#own = new Set([...inputs, ...nodes.flatMap(({ output }) => output)])
    this.#pathInside = pathsInside(nodes, path)
    this.operations = operationsOf({
      nodes,
      outputs,
      opset,
      stored: (name) => this.#stored(name),
      called: (node) => withAttributes(node, text.attributes),
    })
  }

  /** The main graph of a file. */
  static main(file: OnnxFile, constants: Constants): Block {
    const { graph, opset, proto } = file
    return new Block({ file, constants, functions: functionsOf(proto) }, { ...graphText(graph), path: '', opset })
  }

  /** Whether a name means something else here than in the graph that this one is in. */
  owns(name: string): boolean {
    return this.#keys.has(name) || this.#own.has(name)
  }

  /** Whether a name is that of an input of a function, which calls may leave out. */
  isOptional(name: string): boolean {
    const { outside, calls = [] } = this.#text
    return this.owns(name) ? !outside && calls.length > 0 && this.inputs.includes(name) : !!outside?.isOptional(name)
  }

  /** A tensor that it stores itself, for the node that reads it. */
  constant(name: string, root: Slot): Known | undefined {
    const key = this.#keys.get(name)
    return key === undefined ? undefined : this.#common.constants(key, root)
  }

  #stored(name: string): (() => StoredTensor) | undefined {
    const key = this.#keys.get(name)
    if (key !== undefined) return this.#common.file.stored.get(key)
    const { outside } = this.#text
    return outside && !this.#own.has(name) ? outside.#stored(name) : undefined
  }

  /** The graph that is an attribute of one of its operations; undefined where it has none of that name. */
  inside({ node }: Operation, attribute: string): Block | undefined {
    const graph = node.attribute.find(({ name }) => name === attribute)?.g
    if (!graph) return undefined
    const path = this.#pathInside(node, attribute)
    const { opset, attributes, calls } = this.#text
    const block =
      this.#inside.get(path) ??
      new Block(this.#common, { ...graphText(graph), path, opset, attributes, calls, outside: this })
    this.#inside.set(path, block)
    return block
  }

  /**
   * The function that one of its operations calls; undefined where it is an operator. Throws UserError where
   * functions call themselves.
   */
  called(operation: Operation): Block | undefined {
    const known = this.#called.get(operation)
    if (known) return known
    const { file, functions } = this.#common
    const one = calledBy(operation.node, functions)
    if (!one) return undefined
    const { calls = [], opset } = this.#text
    if (calls.includes(one))
      throw new UserError(`${file.path} is not a valid ONNX model: its function ${one.name} calls itself`)
    operation.ignore(...one.attribute, ...one.attributeProto.map(({ name }) => name))
    const block = new Block(this.#common, {
      nodes: one.node,
      inputs: one.input,
      outputs: one.output,
      path: functionPath(one),
      opset: opsetOf(one) ?? opset,
      attributes: callAttributes(operation.proto, one),
      calls: [...calls, one],
    })
    this.#called.set(operation, block)
    return block
  }
}
