/**
 * @file A graph of ours on its way to a TensorFlow Lite file: what every tensor has become there, and in what
 * order its axes lie. A transpose is not done before an operator needs another order.
 */
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { FileTensor, OptionsOf, TfliteFile } from './file.ts'
import { type Grid, gridOf } from './grids.ts'
import { allOf, type Numbers } from './known.ts'
import { limitOf } from './limits.ts'
import { asIs, between, type Order, reordered, sameOrder, sameSequence, shapeIn } from './order.ts'
import type { OperatorName } from './schema.ts'
import type { WeightGrid } from './weight-grids.ts'
import { type Form, storeFloats } from './weights.ts'

/** Where a computed tensor lies in the file. */
export interface Place {
  index: number
  order: Order
  /** Where it holds codes of numbers on a grid. */
  grid?: Grid
}

/** Rows of what lies as a map did. */
export interface Flattened extends Place {
  map: Tensor
}

/** A tensor of the file, and the grid where it holds codes. */
export type Lying = Pick<Place, 'index' | 'grid'>

/** Where what a node computes is rounded: directly, or behind an activation that becomes part of the node. */
export interface Rounded {
  grid: Grid
  /** What has the rounded values. */
  end: Tensor
  activation?: Node
}

/** What an operator of ours becomes. */
export type Write = (node: Node, to: Translation) => void

export interface TranslationOptions {
  known: ReadonlyMap<Tensor, Numbers>
  weightGrids: ReadonlyMap<string, WeightGrid>
  form: Form
  encodes: boolean
  /** How an error about a node begins. */
  refusal(node: Node): string
}

export class Translation {
  readonly file: TfliteFile
  readonly graph: Graph
  readonly known: ReadonlyMap<Tensor, Numbers>
  /** Of stored weights that are bytes, by name. */
  readonly weightGrids: ReadonlyMap<string, WeightGrid>
  readonly form: Form
  /** Nodes that have become part of others. */
  readonly done = new Set<Node>()
  /** Whether there are weights that are stored as nonzeros. */
  readonly encodes: boolean
  /**
   * Flattened maps that only linear layers read, which lie as the maps did: these, whose order of axes the
   * weights take.
   */
  readonly flattened = new Map<Tensor, Flattened>()
  readonly #places = new Map<Tensor, Place>()
  readonly #inOrder = new Map<string, number>()
  readonly #readers = new Map<Tensor, Node[]>()
  readonly #roundings = new Map<Tensor, Node>()
  readonly #refusal: TranslationOptions['refusal']

  constructor(file: TfliteFile, graph: Graph, options: TranslationOptions) {
    this.file = file
    this.graph = graph
    const { known, weightGrids, form, encodes, refusal } = options
    this.known = known
    this.weightGrids = weightGrids
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

  /** The grid of a tensor that is computed as codes. */
  gridOf(tensor: Tensor): Grid | undefined {
    return this.#places.get(tensor)?.grid
  }

  /** A tensor in an order as it is: codes where it is computed as such, else floats. */
  lying(tensor: Tensor, order: Order): Lying {
    const grid = this.gridOf(tensor)
    if (!grid) return { index: this.input(tensor, order) }
    const key = `${tensor.name} ${order} codes`
    const found = this.#inOrder.get(key) ?? this.#inOtherOrder(tensor, this.#places.get(tensor)!, order)
    this.#inOrder.set(key, found)
    return { index: found, grid }
  }

  /** The floats of what holds codes, and else is returned as it is. */
  floatsOf({ index, grid }: Lying, { name }: Tensor): number {
    if (!grid) return index
    const floats = this.between(`${name} as floats`, this.file.tensors[index].shape)
    return this.file.apply('DEQUANTIZE', [index], floats, {}, 2)
  }

  /**
   * Where what a node computes is rounded, if nothing else reads it. Only such nodes can compute codes, since
   * their results have to have a grid.
   */
  roundedBy({ outputs: [y] }: Node, activation?: Node): Rounded | undefined {
    const [reader, ...others] = this.readersOf(y)
    if (!reader || others.length > 0 || this.isOutput(y)) return undefined
    if (reader.operator.name === 'Rounding') {
      this.#roundings.set(reader.outputs[0], reader)
      return { grid: gridOf(reader), end: reader.outputs[0], ...(activation && { activation }) }
    }
    const isActivation = !activation && limitOf(reader, this.known) !== undefined
    return isActivation ? this.roundedBy(reader, reader) : undefined
  }

  /** Appends an operator that computes codes, with its activation, and places what it rounds to. */
  outputCodes<N extends OperatorName>(
    { grid, end, activation }: Rounded,
    order: Order,
    name: N,
    inputs: readonly number[],
    options: OptionsOf<N> = {},
    version = 2,
  ): void {
    const codes = (called: string) => this.file.add(codesTensor(called, shapeIn(end.shape, order), grid))
    let index = this.file.apply(name, inputs, codes(end.name), options, version)
    if (activation) {
      this.done.add(activation)
      index = this.file.apply(limitOf(activation, this.known)!, [index], codes(`${end.name} (limited)`), {}, 2)
    }
    this.done.add(this.#roundings.get(end)!)
    this.place(end, { index, order, grid })
  }

  #inOtherOrder({ name, shape }: Tensor, place: Place, order: Order): number {
    if (sameOrder(place.order, order)) return place.index
    return this.rearranged(place.index, name, shape, place.order, order)
  }

  #make(tensor: Tensor, order: Order): number {
    const { name, shape } = tensor
    const place = this.#places.get(tensor)
    if (place?.grid) return this.floatsOf(this.lying(tensor, order), tensor)
    if (place) return this.#inOtherOrder(tensor, place, order)
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

  /** A tensor for values in between: of floats, or of codes of a grid. */
  between(name: string, shape: readonly number[], grid?: Grid): number {
    return this.file.add(grid ? codesTensor(name, shape, grid) : { name, shape, type: 'float32' })
  }

  /**
   * Appends an operator that computes a tensor of the graph, which then lies in an order, as codes where
   * there is a grid.
   */
  output<N extends OperatorName>(
    tensor: Tensor,
    order: Order,
    name: N,
    inputs: readonly number[],
    options: OptionsOf<N> = {},
    { grid, version = grid ? 2 : 1 }: { grid?: Grid; version?: number } = {},
  ): void {
    const index = this.between(tensor.name, shapeIn(tensor.shape, order), grid)
    this.place(tensor, { index: this.file.apply(name, inputs, index, options, version), order, grid })
  }
}

const codesTensor = (name: string, shape: readonly number[], { scale, zero }: Grid): FileTensor => ({
  name,
  shape,
  type: 'int8',
  quantization: { scale: [scale], zero_point: [zero] },
})
