/**
 * @file Graphs on given values: logical row-major in, logical row-major out.
 */
import { compile, type Executable } from '../../src/engine/compile.ts'
import type { Floats, Machine } from '../../src/engine/machine.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import type { Random } from '../../src/util/random.ts'

/** Values of inputs, parameters, buffers and states by name. */
export type Values = ReadonlyMap<string, readonly number[]>

/** The tensors whose values are given. */
export const given = (graph: Graph): Tensor[] =>
  (['input', 'parameter', 'buffer', 'state'] as const).flatMap((role) => graph.withRole(role))

/** Uniform in [-1, 1), representable in float32; `labels` are 0 or 1, variances in [0.5, 1.5). */
export function randomValues(graph: Graph, rng: Random): Map<string, number[]> {
  const draw = (name: string) => {
    if (name === 'labels') return rng.below(2)
    return Math.fround(name.endsWith('running_var') ? 0.5 + rng.uniform() : 2 * rng.uniform() - 1)
  }
  return new Map(given(graph).map(({ name, shape }) => [name, Array.from({ length: sizeOf(shape) }, () => draw(name))]))
}

/** A compiled graph that can be evaluated again and again. */
export class Evaluator {
  readonly #graph: Graph
  readonly #executable: Executable

  constructor(machine: Machine, graph: Graph) {
    this.#graph = graph
    this.#executable = compile(machine, { graph })
  }

  /** The outputs by name. */
  run(values: Values): Map<string, Floats> {
    for (const { name, role } of given(this.#graph)) {
      const value = values.get(name)
      if (!value) throw new Error(`no values for ${name}`)
      if (role === 'input') this.#executable.write('graph', name, value)
      else this.#executable.view(name).set(value)
    }
    this.#executable.run('graph')
    return new Map([...this.#graph.outputs.keys()].map((name) => [name, this.#executable.read('graph', name)]))
  }
}

export const evaluate = (machine: Machine, graph: Graph, values: Values): Map<string, Floats> =>
  new Evaluator(machine, graph).run(values)
