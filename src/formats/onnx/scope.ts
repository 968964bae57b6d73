/** @file Where a translation stands: the graph that grows, and what every name of the ONNX graph has become. */
import type { Graph } from '../../graph/graph.ts'
import { transpose } from '../../graph/operators/shape.ts'
import type { Initial, Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { Operation } from './operation.ts'
import { Known, type Origin, Permuted, type Value } from './value.ts'

/** What the operators of one node become. Missing inputs are undefined. */
export type Translator = (
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
) => readonly (Value | undefined)[]

/** A node can be read but not run: weights of its model can still be rewritten. */
export class Unsupported extends UserError {
  override name = 'Unsupported'
}

export class Scope {
  readonly graph: Graph
  readonly training: boolean
  /** Samples in a batch. */
  readonly batch: number
  /** The number of samples that the file was written for, where it says one. */
  readonly fixedBatch?: number
  /** Where the parameters and buffers of the graph are stored. */
  readonly origins = new Map<string, Origin>()

  constructor(graph: Graph, options: { training: boolean; batch: number; fixedBatch?: number }) {
    this.graph = graph
    this.training = options.training
    this.batch = options.batch
    this.fixedBatch = options.fixedBatch
  }

  /** A tensor of the graph: transposed now, where it was to be; known numbers as a constant. */
  tensor(value: Value | undefined, operation: Operation): Tensor {
    if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
    if (value instanceof Permuted) return transpose(this.graph, value.of, value.perm)
    return value instanceof Known ? this.constant(value) : value
  }

  constant(known: Known): Tensor {
    checkSingles(known)
    const { values, size } = known
    let same = 1
    while (same < size && values[same] === values[0]) same++
    return this.graph.constant(size > 0 && same >= size ? values[0] : values, known.shape)
  }

  /** Known numbers that training may change: a parameter with the name under which they are stored; a constant where they are not stored as such. */
  parameter(known: Known, initial: Initial): Tensor {
    return this.#stored(known, (name) => this.graph.parameter(name, known.shape, initial))
  }

  /** Known numbers that training updates otherwise, such as running statistics. */
  buffer(known: Known, initial: number): Tensor {
    return this.#stored(known, (name) => this.graph.buffer(name, known.shape, initial))
  }

  #stored(known: Known, make: (name: string) => Tensor): Tensor {
    const { origin } = known
    if (!origin) return this.constant(known)
    checkSingles(known)
    const there = this.graph.tensors.get(origin.name)
    if (!there) {
      this.origins.set(origin.name, origin)
      return make(origin.name)
    }
    const same = String(there.shape) === String(known.shape)
    return same && this.origins.get(origin.name)?.transposed === origin.transposed ? there : this.constant(known)
  }

  /** Known numbers that an operator cannot do without. */
  known(value: Value | undefined, operation: Operation, what: string): Known {
    if (value instanceof Known) return value
    throw new Unsupported(`${operation.label}: its ${what} is computed while the network runs, expected it to be known`)
  }

  /** Applies an operator that treats all elements alike: where a transpose is to come, it may come after it. */
  map(value: Value | undefined, operation: Operation, apply: (x: Tensor) => Tensor): Value {
    return value instanceof Permuted ? new Permuted(apply(value.of), value.perm) : apply(this.tensor(value, operation))
  }
}

/** Throws Unsupported where a double is beyond single precision, which is computed with here. */
function checkSingles({ type, values }: Known): void {
  if (type !== 'F64') return
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i]) && !Number.isFinite(Math.fround(values[i])))
      throw new Unsupported(`a constant of ${values[i]} is beyond what single precision holds`)
}
