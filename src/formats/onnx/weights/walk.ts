/**
 * @file A walk over all nodes of a model in the order in which they run: through the graphs inside of nodes,
 * which see names from outside, and through the body of a function for each of its calls.
 */
import type { FunctionProto, GraphProto, NodeProto } from 'onnx-buf'
import { UserError } from '../../../util/errors.ts'
import type { OnnxFile } from '../file.ts'
import { calledBy, functionsOf, isStandard, opsetOf } from '../functions.ts'
import { Operation } from '../operation.ts'
import { type AnyTensor, nameOf, placesOf, storedValue, typeOf } from '../places.ts'
import { dtypes, numbersOf } from '../tensor.ts'
import { callAttributes, withAttributes } from './attributes.ts'
import { computed, derived, type Flow } from './flow.ts'
import { type Flows, outputsOf } from './nodes.ts'
import { UsesOfAll } from './uses.ts'

/** The most nodes that calls of functions may come to. */
const MOST_NODES = 1_000_000

/** The names of one graph. */
interface Names {
  flows: Map<string, Flow>
  /** Of the graph that this one is in. */
  outside?: Names
  nodes: readonly NodeProto[]
  opset: number
  /** In a function: the attributes of the call. */
  attributes?: ReturnType<typeof callAttributes>
  /** Functions that are being called, from the outermost. */
  calls: readonly FunctionProto[]
}

/**
 * What reads each stored tensor of a model. Throws UserError where functions call themselves, or one another
 * far too often.
 */
export function usesOf(file: OnnxFile): UsesOfAll {
  const walk = new Walk(file)
  walk.graph(file.graph, { flows: new Map(), nodes: file.graph.node, opset: file.opset, calls: [] })
  return walk.uses
}

class Walk {
  readonly uses: UsesOfAll
  readonly #file: OnnxFile
  readonly #functions: ReadonlyMap<string, FunctionProto>
  #visited = 0

  constructor(file: OnnxFile) {
    this.#file = file
    this.uses = new UsesOfAll(placesOf(file.proto))
    this.#functions = functionsOf(file.proto)
  }

  /** Outputs of a graph. */
  graph({ initializer, sparseInitializer, output }: GraphProto, names: Names): Flow[] {
    for (const tensor of [...initializer, ...sparseInitializer])
      names.flows.set(nameOf(tensor), this.#storedFlow(tensor))
    this.#nodes(names)
    return output.map(({ name }) => {
      const flow = find(names, name)
      if (names.calls.length === 0 && !names.outside) this.uses.other(flow.sources, 'an output of the model', false)
      return flow
    })
  }

  #nodes(names: Names): void {
    for (const node of names.nodes) {
      if (++this.#visited > MOST_NODES)
        throw new UserError(
          `${this.#file.path} calls its functions so often that they come to more than ${MOST_NODES} nodes`,
        )
      const outputs = this.#node(withAttributes(node, names.attributes), names)
      node.output.forEach((name, i) => {
        if (name !== '') names.flows.set(name, outputs[i] ?? computed)
      })
    }
  }

  #node(node: NodeProto, names: Names): Flow[] {
    const stored = storedValue(node)
    if (stored && this.uses.placeOf(stored)) return [this.#storedFlow(stored)]
    const inputs = node.input.map((name) => (name === '' ? undefined : find(names, name)))
    const called = calledBy(node, this.#functions)
    if (called) return this.#call(called, node, inputs, names)
    if (node.attribute.some(({ g, graphs }) => g || graphs.length > 0)) return this.#graphsInside(node, inputs, names)
    const operation = new Operation(node, names.opset)
    const laterScale = () => scaleOfProduct(node.output[0], names)
    return outputsOf({ operation, inputs, uses: this.uses, external: this.#file.external, laterScale })
  }

  #call(called: FunctionProto, node: NodeProto, inputs: Flows, names: Names): Flow[] {
    if (names.calls.includes(called))
      throw new UserError(`${this.#file.path} is not a valid ONNX model: its function ${called.name} calls itself`)
    const inside: Names = {
      flows: new Map(called.input.map((name, i) => [name, inputs[i] ?? computed])),
      nodes: called.node,
      opset: opsetOf(called) ?? names.opset,
      attributes: callAttributes(node, called),
      calls: [...names.calls, called],
    }
    this.#nodes(inside)
    return called.output.map((name) => find(inside, name))
  }

  #graphsInside(node: NodeProto, inputs: Flows, names: Names): Flow[] {
    const standard = isStandard(node.domain)
    const [op, loops] = [node.opType, standard && (node.opType === 'Loop' || node.opType === 'Scan')]
    const results = node.attribute
      .flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
      .map((graph) => {
        const carried = loops ? carriedThrough(node, graph, inputs) : []
        const given = graph.input.map(({ name }, i): [string, Flow] => [name, carried[i] ?? computed])
        const outputs = this.graph(graph, { ...names, flows: new Map(given), outside: names, nodes: graph.node })
        return { outputs, carried }
      })
    if (standard && op === 'If') return node.output.map((_, i) => either(results.map(({ outputs }) => outputs[i])))
    const kept = results[0]?.carried.filter((flow) => flow !== undefined) ?? []
    for (const flow of inputs)
      if (flow && !kept.includes(flow))
        this.uses.other(flow.sources, `read by ${op}, which runs a graph of its own on it`)
    // Of Loop the first two inputs of its body are a counter and a condition, of which the second is an
    // output of the body, too.
    const first = op === 'Loop' ? 2 : 0
    return node.output.map((_, i) => results[0]?.carried[i + first] ?? computed)
  }

  #storedFlow(tensor: AnyTensor): Flow {
    const place = this.uses.placeOf(tensor)!
    const shape = tensor.dims.map(Number)
    const type = typeOf(tensor)
    const numbers = () => {
      if (!(type in dtypes)) return undefined
      const read = this.#file.stored.get(place.key)!()
      return { shape: read.shape, values: numbersOf(read) }
    }
    return { ...derived([], shape, numbers), sources: [{ place, part: false }] }
  }
}

function find(names: Names, name: string): Flow {
  for (let at: Names | undefined = names; at; at = at.outside) {
    const flow = at.flows.get(name)
    if (flow) return flow
  }
  return computed
}

/**
 * Inputs of the body of a Loop or Scan that it hands on as they are, so that they are the same in every step;
 * undefined for others.
 */
function carriedThrough({ opType, attribute }: NodeProto, body: GraphProto, inputs: Flows): (Flow | undefined)[] {
  const scanned = Number(attribute.find(({ name }) => name === 'num_scan_inputs')?.i ?? 0n)
  const states = opType === 'Loop' ? body.input.length - 2 : body.input.length - scanned
  const makers = new Map(body.node.flatMap((node) => node.output.map((name) => [name, node] as const)))
  const origin = (name: string): string => {
    let at = name
    for (let maker = makers.get(at); maker?.opType === 'Identity'; maker = makers.get(at)) at = maker.input[0]
    return at
  }
  return body.input.map(({ name }, i) => {
    const state = opType === 'Loop' ? i - 2 : i
    const output = body.output[opType === 'Loop' ? state + 1 : state]?.name
    const same = state >= 0 && state < states && output !== undefined && origin(output) === name
    return same ? inputs[i] : undefined
  })
}

/** One of several values, which only the running model knows. */
function either(flows: readonly (Flow | undefined)[]): Flow {
  const found = flows.filter((flow) => flow !== undefined)
  if (found.length < flows.length || !found.every(({ stored }) => stored)) return computed
  const [first] = found
  const same = found.every(({ shape }) => String(shape) === String(first?.shape))
  return derived(
    found,
    same ? first?.shape : undefined,
    () => undefined,
    found.flatMap(({ sources }) => sources),
  )
}

/**
 * The stored scale of a product of whole numbers, as quantization tools write it: the product is made float
 * by a Cast and then multiplied, by a stored scale or by the product of one with the scale of the
 * activations.
 */
function scaleOfProduct(product: string, names: Names): Flow | undefined {
  const reader = (name: string, op: string) => {
    const readers = names.nodes.filter(({ input }) => input.includes(name))
    return readers.length === 1 && readers[0].opType === op ? readers[0] : undefined
  }
  const cast = reader(product, 'Cast')
  const multiply = cast && reader(cast.output[0], 'Mul')
  const other = multiply?.input.find((name) => name !== cast?.output[0])
  if (other === undefined) return undefined
  const maker = names.nodes.find(({ output }) => output.includes(other))
  const candidates = maker?.opType === 'Mul' ? maker.input : [other]
  const stored = candidates.map((name) => find(names, name)).filter((flow) => flow.stored)
  return stored.length === 1 ? stored[0] : undefined
}
