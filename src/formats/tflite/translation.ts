/**
 * @file A graph of ours on its way to a TensorFlow Lite file: what every tensor has become there, and in what
 * order its axes lie. A transpose is not done before an operator needs another order.
 */
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { OptionsOf, TfliteFile } from './file.ts'
import { allOf, type Numbers } from './known.ts'
import { asIs, between, type Order, reordered, sameOrder, sameSequence, shapeIn } from './order.ts'
import type { OperatorName } from './schema.ts'
import { type Form, storeFloats } from './weights.ts'

/** Where a computed tensor lies in the file. */
export interface Place {
  index: number
  order: Order
}

/** What an operator of ours becomes. */
export type Write = (node: Node, to: Translation) => void

export interface TranslationOptions {
  known: ReadonlyMap<Tensor, Numbers>
  form: Form
  encodes: boolean
  /** How an error about a node begins. */
  refusal(node: Node): string
}

export class Translation {
  readonly file: TfliteFile
  readonly graph: Graph
  readonly known: ReadonlyMap<Tensor, Numbers>
  readonly form: Form
  /** Whether there are weights that are stored as nonzeros. */
  readonly encodes: boolean
  /**
   * Flattened maps that only linear layers read, which lie as the maps did: these, whose order of axes the
   * weights take.
   */
  readonly flattened = new Map<Tensor, Place & { map: Tensor }>()
  readonly #places = new Map<Tensor, Place>()
  readonly #inOrder = new Map<string, number>()
  readonly #readers = new Map<Tensor, Node[]>()
  readonly #refusal: TranslationOptions['refusal']

  constructor(file: TfliteFile, graph: Graph, { known, form, encodes, refusal }: TranslationOptions) {
    this.file = file
    this.graph = graph
    this.known = known
    this.form = form
    this.encodes = encodes
    this.#refusal = refusal
    for (const node of graph.nodes)
      for (const input of node.inputs) this.#readers.set(input, [...this.readersOf(input), node])
  }

  /** The nodes that read a tensor. */
  readersOf(tensor: Tensor): readonly Node[] {
    return this.#readers.get(tensor) ?? []
  }

  isOutput(tensor: Tensor): boolean {
    return [...this.graph.outputs.values()].includes(tensor)
  }

  /** Throws UserError: a node that cannot be written, with the reason as the rest of a sentence. */
  refuse(node: Node, reason: string): never {
    throw new UserError(`${this.#refusal(node)} ${reason}`)
  }

  /** All values of a known tensor, row-major. Throws UserError where they are computed. */
  valuesOf(tensor: Tensor, node: Node, what: string): Float32Array {
    const numbers = this.known.get(tensor)
    if (numbers === undefined)
      this.refuse(node, `has a ${what} that is computed while the network runs, expected a stored one`)
    return allOf(numbers, tensor.shape)
  }

  /** The order in which a computed tensor lies; that of a known one is any. */
  orderOf(tensor: Tensor): Order {
    return this.#places.get(tensor)?.order ?? asIs(tensor.shape.length)
  }

  place(tensor: Tensor, place: Place): void {
    this.#places.set(tensor, place)
  }

  /** A tensor of the file that lies in an order: transposed where it lies in another, stored where known. */
  input(tensor: Tensor, order: Order = asIs(tensor.shape.length)): number {
    const key = `${tensor.name} ${order}`
    const found = this.#inOrder.get(key) ?? this.#make(tensor, order)
    this.#inOrder.set(key, found)
    return found
  }

  #make(tensor: Tensor, order: Order): number {
    const { name, shape } = tensor
    const place = this.#places.get(tensor)
    if (place) {
      if (sameOrder(place.order, order)) return place.index
      return this.rearranged(place.index, name, shape, place.order, order)
    }
    const numbers = this.known.get(tensor)
    if (numbers === undefined) throw new Error(`${name} is used before it is computed`)
    return this.store(name, shapeIn(shape, order), reordered(allOf(numbers, shape), shape, order))
  }

  /** What lies in one order in another one. */
  rearranged(index: number, name: string, shape: readonly number[], from: Order, to: Order): number {
    const sizes = shapeIn(shape, to)
    const result = this.file.add({ ...this.file.tensors[index], name: `${name} [${to}]`, shape: sizes })
    return sameSequence(shape, from, to)
      ? this.reshaped(index, sizes, result)
      : this.file.apply('TRANSPOSE', [index, this.file.integers(between(from, to))], result)
  }

  /** The same elements in another shape. */
  reshaped(index: number, shape: readonly number[], result: number): number {
    return this.file.apply('RESHAPE', [index, this.file.integers(shape)], result, { new_shape: shape })
  }

  /** Stored floats in the form that is asked for; a tensor of float32. */
  store(name: string, shape: readonly number[], values: Float32Array): number {
    return storeFloats(this.file, name, shape, values, this.form)
  }

  /** A tensor of floats for values in between. */
  between(name: string, shape: readonly number[]): number {
    return this.file.add({ name, shape, type: 'float32' })
  }

  /** Appends an operator that computes a tensor of the graph, which then lies in an order. */
  output<N extends OperatorName>(
    tensor: Tensor,
    order: Order,
    name: N,
    inputs: readonly number[],
    options: OptionsOf<N> = {},
    version = 1,
  ): void {
    const index = this.file.add({ name: tensor.name, shape: shapeIn(tensor.shape, order), type: 'float32' })
    this.place(tensor, { index: this.file.apply(name, inputs, index, options, version), order })
  }
}
