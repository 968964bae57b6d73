/**
 * @file A network, its loss, its gradients and its optimizer: all of it is a graph of named tensors and
 * operators. Nodes stand in execution order: a node only uses tensors that exist when it is added.
 */
import type { Attributes, Builder, Node, Operator } from './operator.ts'
import { type Initial, type Role, type Shape, sameShape, sizeOf, type Tensor } from './tensor.ts'

/** What a state is besides its name and shape. */
export type StateOptions = Pick<Tensor, 'bytes' | 'saved' | 'beside'>

export class Graph implements Builder {
  /** In execution order. */
  readonly nodes: Node[]
  /** Every tensor by its unique name. */
  readonly tensors: Map<string, Tensor>
  /** Tensors that can be read after a run, by the name given to them. */
  readonly outputs: Map<string, Tensor>

  constructor(from?: Graph) {
    this.nodes = from ? [...from.nodes] : []
    this.tensors = new Map(from?.tensors)
    this.outputs = new Map(from?.outputs)
  }

  /** A copy that can be extended without changing this graph. Tensors are shared. */
  clone(): Graph {
    return new Graph(this)
  }

  /** Written before every run. `batched`: axis 0 runs over samples. */
  input(name: string, shape: Shape, { batched = true } = {}): Tensor {
    return this.#add({ name, shape, role: 'input', batched: batched && shape.length > 0 })
  }

  /** A trained tensor, row-major, shared by name between the programs of an executable. */
  parameter(name: string, shape: Shape, initial?: Initial, steps?: ArrayLike<number>): Tensor {
    return this.#add({ name, shape, role: 'parameter', batched: false, initial, steps })
  }

  /**
   * Part of the model but not trained, one value throughout at first; shared by name and stored with the
   * parameters.
   */
  buffer(name: string, shape: Shape, initial: number): Tensor {
    return this.#add({ name, shape, role: 'buffer', batched: false, initial })
  }

  /**
   * Kept between runs, not trained; shared by name. A second call with the same name returns the same tensor.
   * Options are those of {@link Tensor}.
   */
  state(name: string, shape: Shape, { bytes = false, saved, beside }: StateOptions = {}): Tensor {
    const known = this.tensors.get(name)
    if (known?.role === 'state') {
      if (!sameShape(known.shape, shape)) throw new Error(`state ${name} has shape [${known.shape}], not [${shape}]`)
      return known
    }
    return this.#add({ name, shape, role: 'state', batched: false, bytes, saved, beside })
  }

  /** One value throughout, or all values in row-major order. */
  constant(values: number | ArrayLike<number>, shape: Shape = [], batched = false): Tensor {
    if (typeof values !== 'number' && values.length !== sizeOf(shape))
      throw new Error(`constant of shape [${shape.join(', ')}] needs ${sizeOf(shape)} values, found ${values.length}`)
    return this.#add({ name: this.#fresh('constant'), shape, role: 'constant', batched, values })
  }

  /** The bytes of values of any type, as they lie in memory; `packs` names the parameter that they are of. */
  constantBytes({ buffer, byteOffset, byteLength }: ArrayBufferView, packs?: string): Tensor {
    const values = new Uint8Array(buffer, byteOffset, byteLength)
    return this.#add({
      name: this.#fresh('constant'),
      shape: [byteLength],
      role: 'constant',
      batched: false,
      bytes: true,
      values,
      packs,
    })
  }

  /** Appends a node and returns its outputs. Throws ShapeError where the inputs do not fit. */
  apply(operator: Operator, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor[] {
    const types = operator.infer(inputs, attributes)
    const outputs = types.map(({ shape, batched, bytes }) =>
      this.#add({ name: this.#fresh(operator.name), role: 'value', shape, batched, ...(bytes && { bytes }) }),
    )
    this.nodes.push({ operator, inputs, outputs, attributes })
    return outputs
  }

  /** Marks a tensor to be readable after a run. */
  output(name: string, tensor: Tensor): void {
    this.outputs.set(name, tensor)
  }

  /** All tensors of a role, in the order in which they were added. */
  withRole(role: Role): Tensor[] {
    return [...this.tensors.values()].filter((tensor) => tensor.role === role)
  }

  /** What a network file holds: its parameters, then its buffers. */
  stored(): Tensor[] {
    return [...this.withRole('parameter'), ...this.withRole('buffer')]
  }

  #add(tensor: Tensor): Tensor {
    if (this.tensors.has(tensor.name)) throw new Error(`the graph already has a tensor named ${tensor.name}`)
    if (!tensor.shape.every((n) => Number.isInteger(n) && n > 0))
      throw new Error(`tensor ${tensor.name}: expected sizes of 1 or more, found [${tensor.shape.join(', ')}]`)
    this.tensors.set(tensor.name, tensor)
    return tensor
  }

  #fresh(stem: string): string {
    let i = this.tensors.size
    while (this.tensors.has(`${stem}_${i}`)) i++
    return `${stem}_${i}`
  }
}

/**
 * The weights that pruning may touch: those that a layer (Gemm, MatMul, Conv...) multiplies its input with.
 */
export function prunableParameters(graph: Graph): Tensor[] {
  const weights = new Set<Tensor>()
  for (const node of graph.nodes) {
    const weight = node.operator.weight === undefined ? undefined : node.inputs[node.operator.weight]
    if (weight?.role === 'parameter') weights.add(weight)
  }
  return graph.withRole('parameter').filter((tensor) => weights.has(tensor))
}
