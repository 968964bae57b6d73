/**
 * @file A pass for inference: layers whose inputs and weights stand for bytes (QuantizeLinear and
 * DequantizeLinear around them, in ONNX models) are computed in whole numbers, and maps between such
 * operators stay bytes. All else stays in floats. A result may differ by one step of its scale from what
 * floats give, where these round.
 */
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { Dequantize, Quantize } from '../../graph/operators/int8.ts'
import { dropDeadNodes } from '../../graph/simplify.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { dequantizationOf, type Grid, Links, type Quantization, quantizationOf } from './chains.ts'
import { type Ending, endingOf } from './endings.ts'
import { appendLayer, type Candidate, isLayer, type LayerOptions } from './layers.ts'
import { appendRest, type Real } from './rest.ts'

/**
 * The graph with operators on bytes in the place of those that can be. The given one where there are none.
 */
export function int8Graph(from: Graph, options: LayerOptions): Graph {
  const pass = new Pass(from, options)
  return pass.found ? pass.run() : from
}

class Pass {
  readonly #from: Graph
  readonly #options: LayerOptions
  readonly #graph: Graph
  /** What stands for bytes, by tensors that hold these as floats. */
  readonly #quantizations = new Map<Tensor, Quantization>()
  readonly #reals = new Map<Tensor, { q: Tensor; grid: Grid }>()
  /** By the node that ends a quantization: the node whose result it is of. */
  readonly #ended = new Map<Node, { core: Node; ending: Ending; q: Tensor }>()
  /** Bytes by tensors that hold them as floats. */
  readonly #bytes = new Map<Tensor, Tensor>()

  constructor(from: Graph, options: LayerOptions) {
    this.#from = from
    this.#options = options
    this.#graph = new Graph(from)
    const links = new Links(from)
    for (const node of from.nodes) {
      const real = dequantizationOf(node, links)
      if (real) this.#reals.set(node.outputs[0], real)
      const quantization = node.operator.name === 'Clip' ? quantizationOf(node, links) : undefined
      if (!quantization) continue
      this.#quantizations.set(quantization.q, quantization)
      const ended = endingOf(quantization, links)
      if (ended) this.#ended.set(node, { ...ended, q: quantization.q })
    }
  }

  /** Whether anything stands for bytes. */
  get found(): boolean {
    return this.#reals.size > 0
  }

  run(): Graph {
    const { nodes } = this.#graph
    nodes.length = 0
    const cores = new Set([...this.#ended.values()].map(({ core }) => core))
    for (const node of this.#from.nodes) {
      const ended = this.#ended.get(node)
      if (ended) this.#end(ended)
      if (this.#dequantize(node)) continue
      if (!cores.has(node) && isLayer(node) && this.#toFloat(node)) continue
      nodes.push(node)
    }
    const graph = dropDeadNodes(this.#graph)
    const read = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.values()])
    for (const [name, tensor] of graph.tensors)
      if (tensor.role === 'parameter' && !read.has(tensor)) graph.tensors.delete(name)
    return graph
  }

  /** Real numbers that stand for bytes. */
  #realOf = (tensor: Tensor): Real | undefined => {
    const real = this.#reals.get(tensor)
    const known = real && (this.#bytes.has(real.q) || this.#quantizations.has(real.q))
    return known ? { grid: real.grid, bytes: () => this.#bytesOf(real.q) } : undefined
  }

  #bytesOf(q: Tensor): Tensor {
    const known = this.#bytes.get(q)
    if (known) return known
    const { x, grid } = this.#quantizations.get(q)!
    const [bytes] = this.#graph.apply(Quantize, [x, this.#graph.constant(grid.scale)], { zero: grid.zero })
    this.#bytes.set(q, bytes)
    return bytes
  }

  /** Computes a node's result as bytes, if it can be. */
  #end({ core, ending, q }: { core: Node; ending: Ending; q: Tensor }): void {
    const made = isLayer(core)
      ? this.#layer({ node: core, ending })
      : appendRest(this.#graph, core, ending, this.#realOf)
    if (made) this.#bytes.set(q, made)
  }

  #layer(candidate: Omit<Candidate, 'grid'>): Tensor | undefined {
    const real = this.#realOf(candidate.node.inputs[0])
    return real && appendLayer(this.#graph, { ...candidate, grid: real.grid }, real.bytes, this.#options)
  }

  /** The layer in whole numbers, its result in real ones. */
  #toFloat(node: Node): boolean {
    if (!this.#layer({ node })) return false
    this.#give(node.outputs)
    return true
  }

  /** Bytes that are there become real numbers where a node reads those. */
  #dequantize(node: Node): boolean {
    const [output] = node.outputs
    const real = this.#reals.get(output)
    const bytes = real && this.#bytes.get(real.q)
    if (!bytes) return false
    const attributes = { zero: real.grid.zero, shape: output.shape }
    this.#graph.apply(Dequantize, [bytes, this.#graph.constant(real.grid.scale)], attributes)
    this.#give(node.outputs)
    return true
  }

  /** The last node gives tensors of the graph that it was made for. */
  #give(outputs: readonly Tensor[]): void {
    const { nodes, tensors } = this.#graph
    const last = nodes.pop()!
    for (const { name } of last.outputs) tensors.delete(name)
    nodes.push({ ...last, outputs })
  }
}
