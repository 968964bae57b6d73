/**
 * @file How far the outputs of two graphs are apart on random inputs: evidence that one can take the place of
 * the other.
 */
import type { Values } from '../graph/fold-batch-norm.ts'
import type { Graph } from '../graph/graph.ts'
import { sizeOf } from '../graph/tensor.ts'
import { random } from '../util/random.ts'
import { compile } from './compile.ts'
import type { Floats, Machine } from './machine.ts'

/** A graph with the values of its parameters and buffers. */
export interface Valued {
  graph: Graph
  values: Values
  /** Inputs that take whole numbers. */
  integers?: ReadonlySet<string>
}

/** Outputs of all runs, by name. */
export type Outputs = ReadonlyMap<string, readonly Floats[]>

/** For each output of both, over all runs: max |a - b| / max |a|; NaN where one alone is no number. */
export function distances(a: Outputs, b: Outputs): Map<string, number> {
  const names = [...a.keys()].filter((name) => b.has(name))
  return new Map(names.map((name) => [name, apart(a.get(name)!, b.get(name)!)]))
}

function apart(a: readonly Floats[], b: readonly Floats[]): number {
  let [apart, largest] = [0, 0]
  a.forEach((values, run) => {
    for (let i = 0; i < values.length; i++) {
      const [x, y] = [values[i], b[run][i]]
      // What is no number, or infinite, in both is the same.
      if (Object.is(x, y) && !Number.isFinite(x)) continue
      apart = Math.max(apart, Math.abs(x - y))
      largest = Math.max(largest, Math.abs(x))
    }
  })
  return apart === 0 ? 0 : apart / largest
}

/**
 * Outputs of `runs` runs on inputs from N(0, 1), or 0 and 1 where they are whole numbers, the same for all
 * graphs whose inputs are the same.
 */
export function outputsOf(machine: Machine, { graph, values, integers }: Valued, runs: number): Outputs {
  const draw = random(0, 'agreement')
  const run = ready(machine, { graph, values })
  const outputs = new Map<string, Floats[]>([...graph.outputs.keys()].map((name) => [name, []]))
  for (let i = 0; i < runs; i++) {
    const inputs = graph.withRole('input').map(({ name, shape }) => {
      const next = integers?.has(name) ? () => Number(draw.uniform() < 0.5) : () => draw.normal()
      return [name, Float32Array.from({ length: sizeOf(shape) }, next)] as const
    })
    for (const [name, list] of run(inputs)) outputs.get(name)!.push(list)
  }
  return outputs
}

/** Outputs by name, from inputs by name. */
function ready(machine: Machine, { graph, values }: Valued) {
  const program = 'graph'
  const executable = compile(machine, { [program]: graph })
  for (const [name, list] of values) if (executable.has(name)) executable.view(name).set(list)
  return (inputs: readonly (readonly [string, Float32Array])[]) => {
    for (const [name, list] of inputs) executable.write(program, name, list)
    executable.run(program)
    return new Map([...graph.outputs.keys()].map((name) => [name, executable.read(program, name)]))
  }
}
