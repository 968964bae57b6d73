/** @file How far the outputs of two graphs are apart on random inputs: evidence that one can take the place of the other. */
import type { Values } from '../graph/fold-batch-norm.ts'
import type { Graph } from '../graph/graph.ts'
import { sizeOf } from '../graph/tensor.ts'
import { random } from '../util/random.ts'
import { compile } from './compile.ts'
import type { Machine } from './machine.ts'

/** A graph with the values of its parameters and buffers. */
export interface Valued {
  graph: Graph
  values: Values
}

/** Over `runs` runs on inputs from N(0, 1): max |a - b| / max |a| of all outputs; NaN where one is not a number. Both graphs have the same inputs and outputs by name. */
export function distance(machine: Machine, [a, b]: readonly [Valued, Valued], runs: number): number {
  const draw = random(0, 'agreement')
  const [first, second] = [a, b].map((valued) => ready(machine, valued))
  let [apart, largest] = [0, 0]
  for (let run = 0; run < runs; run++) {
    const inputs = a.graph.withRole('input').map(({ name, shape }) => {
      return [name, Float32Array.from({ length: sizeOf(shape) }, () => draw.normal())] as const
    })
    const results = second(inputs)
    for (const [name, values] of first(inputs))
      values.forEach((value, i) => {
        apart = Math.max(apart, Math.abs(value - results.get(name)![i]))
        largest = Math.max(largest, Math.abs(value))
      })
  }
  return apart === 0 ? 0 : apart / largest
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
