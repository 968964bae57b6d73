/**
 * @file Where a translation stands: the graph that grows, and what every name of the ONNX graph has become.
 */
import type { Graph } from '../../graph/graph.ts'
import { transpose } from '../../graph/operators/shape.ts'
import type { Initial, Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { DType } from '../safetensors-bytes.ts'
import type { Operation } from './operation.ts'
import { rowMajor } from './operators/layouts.ts'
import { Known, Permuted, type Read, type Source, type Value } from './value.ts'

/** Where the numbers of a tensor of the graph come from. */
export interface Origin {
  /** The stored tensor whose numbers they are. Absent: nodes compute them from stored ones. */
  source?: Pick<Source, 'key' | 'transposed'>
  /** The nodes that read that tensor itself, for this tensor. */
  roots: Source['root'][]
  /** What the layers read it by. */
  reads: Read[]
  /** Of the numbers, where they are stored or computed. */
  type: DType
  values: () => ArrayLike<number>
}

/** What the operators of one node become. Missing inputs are undefined. */
export type Translator = (
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
) => readonly (Value | undefined)[]

/** A node can be read but not run: weights of its model can still be rewritten. */
export class Unsupported extends UserError {
  override name = 'Unsupported'
  /** The first output of the node, where it is one. */
  output?: string
}

/** A model that is written for a number of samples cannot be run with another one. */
export class Mixed extends Unsupported {
  override name = 'Mixed'
}

export class Scope {
  readonly graph: Graph
  readonly training: boolean
  /** Samples in a batch. */
  readonly batch: number
  /** The number of samples that the file was written for, where it says one. */
  readonly fixedBatch?: number
  /** Where the parameters, buffers and constants of the graph come from, by their names. */
  readonly origins = new Map<string, Origin>()
  /** The operation whose outputs are being made. */
  operation?: Operation
  /**
   * How many branches, loops and functions are being run: what nodes compute of constants there differs from
   * run to run.
   */
  repeats = 0
  /** Parameters and buffers by what they are told apart by. */
  readonly #known = new Map<string, Tensor>()
  /** Of values that are not floats. */
  readonly #types = new WeakMap<Tensor | Permuted, DType>()

  constructor(graph: Graph, options: { training: boolean; batch: number; fixedBatch?: number }) {
    this.graph = graph
    this.training = options.training
    this.batch = options.batch
    this.fixedBatch = options.fixedBatch
  }

  /** Whether axis 0 may be moved, joined or cut: the batch has as many samples as the file is written for. */
  get mayMix(): boolean {
    return this.fixedBatch === undefined || this.fixedBatch === this.batch
  }

  /** The type of a value in the file: our graph computes whole numbers and booleans as floats. */
  typeOf(value: Value): DType {
    return value instanceof Known ? value.type : (this.#types.get(value) ?? 'F32')
  }

  setType(value: Value, type: DType): void {
    if (!(value instanceof Known)) this.#types.set(value, type)
  }

  /** A tensor of the graph: transposed now, where it was to be; known numbers as a constant. */
  tensor(value: Value | undefined, operation: Operation): Tensor {
    if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
    if (value instanceof Permuted) {
      const { of, perm } = value
      return transpose(this.graph, perm[0] === 0 ? of : rowMajor(this.graph, of), perm)
    }
    return value instanceof Known ? this.constant(value) : value
  }

  constant(known: Known): Tensor {
    if (known.size === 0) throw new Unsupported(`a tensor of shape [${known.shape}] has no elements, expected some`)
    checkSingles(known)
    const { values, size } = known
    let same = 1
    while (same < size && values[same] === values[0]) same++
    const tensor = this.graph.constant(size > 0 && same >= size ? values[0] : values, known.shape)
    if (known.read) this.#remember(tensor, known)
    return tensor
  }

  /**
   * Known numbers that training may change: a parameter with the name under which they are stored; a constant
   * where they are not stored as such.
   */
  parameter(known: Known, initial: Initial): Tensor {
    // Kernels and biases of layers have fans.
    if (!known.source && !(known.read && typeof initial === 'object')) return this.constant(known)
    const steps = (known.steps?.axis ?? 0) === 0 ? known.steps?.values : undefined
    return this.#stored(known, 'parameter', (name) => this.graph.parameter(name, known.shape, initial, steps))
  }

  /** Known numbers that training updates otherwise, such as running statistics. */
  buffer(known: Known, initial: number): Tensor {
    if (!known.source) return this.constant(known)
    return this.#stored(known, 'buffer', (name) => this.graph.buffer(name, known.shape, initial))
  }

  #stored(known: Known, role: 'parameter' | 'buffer', make: (name: string) => Tensor): Tensor {
    checkSingles(known)
    const { source, read, shape } = known
    const name = source?.key ?? read!.slot.node.input[read!.slot.input]
    const contents = !source && this.repeats > 0 ? digest(known.values) : ''
    const identity = JSON.stringify([name, role, shape, source?.transposed, this.#owner(shape), contents])
    let tensor = this.#known.get(identity)
    if (!tensor) {
      tensor = make(this.graph.tensors.has(name) ? this.#freeName(known) : name)
      this.#known.set(identity, tensor)
    }
    this.#remember(tensor, known)
    return tensor
  }

  /**
   * What vectors belong to. Writers store equal tensors once, such as the scales, shifts and statistics of
   * fresh networks: each normalization has its own all the same, and a bias goes with its weight.
   */
  #owner(shape: readonly number[]): string {
    if (shape.length !== 1 || !this.operation) return ''
    const { op, inputs, outputs } = this.operation
    if (op === 'BatchNormalization') return outputs[0]
    return ['Conv', 'Gemm', 'MatMul'].includes(op) ? inputs[1] : ''
  }

  /**
   * A name for numbers that another tensor has the name of already: that of the node, with the input that
   * reads them.
   */
  #freeName({ read }: Known): string {
    const { node, input } = read!.slot
    const parts: Record<string, string[]> = { BatchNormalization: ['', 'scale', 'bias', 'mean', 'variance'] }
    const part = parts[node.opType]?.[input] ?? (node.opType === 'Add' || input > 1 ? 'bias' : 'weight')
    const stem = `${node.name || node.output[0]}.${part}`
    let name = stem
    for (let i = 2; this.graph.tensors.has(name); i++) name = `${stem}.${i}`
    return name
  }

  #remember({ name }: Tensor, known: Known): void {
    const { source, read } = known
    const origin = this.origins.get(name) ?? {
      source,
      roots: [],
      reads: [],
      type: known.type,
      values: () => known.values,
    }
    if (source) origin.roots.push(source.root)
    if (read) origin.reads.push(read)
    this.origins.set(name, origin)
  }

  /** Known numbers that an operator cannot do without. */
  known(value: Value | undefined, operation: Operation, what: string): Known {
    if (value instanceof Known) return value
    throw new Unsupported(`${operation.label}: its ${what} is computed while the network runs, expected it to be known`)
  }

  /**
   * Applies an operator that treats all elements alike: where a transpose is to come, it may come after it.
   */
  map(value: Value | undefined, operation: Operation, apply: (x: Tensor) => Tensor): Value {
    return value instanceof Permuted ? new Permuted(apply(value.of), value.perm) : apply(this.tensor(value, operation))
  }
}

/** Tells numbers apart: two FNV-1a hashes of their bits as doubles. */
function digest(values: ArrayLike<number>): string {
  const words = new Uint32Array(Float64Array.from(values).buffer)
  let [a, b] = [0x811c9dc5, 0x01000193]
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193)
    b = Math.imul(b ^ word, 0x5bd1e995) ^ (b >>> 15)
  }
  return `${values.length} ${a} ${b}`
}

/** Throws Unsupported where a double is beyond single precision, which is computed with here. */
function checkSingles(known: Known): void {
  // Values may be yet to be computed, and of large tensors need not be.
  if (known.type !== 'F64') return
  const { values } = known
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i]) && !Number.isFinite(Math.fround(values[i])))
      throw new Unsupported(`a constant of ${values[i]} is beyond what single precision holds`)
}
