import { expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { reusingMemory } from '../../src/engine/machines/reused.ts'
import { Graph } from '../../src/graph/graph.ts'
import { add } from '../../src/graph/operators/elementwise.ts'
import { best } from '../support/engines.ts'

/** A machine that notes how much was allocated. */
function counting(machine: Machine): { machine: Machine; sizes: number[] } {
  const sizes: number[] = []
  const allocate = (size: number) => {
    sizes.push(size)
    return machine.allocate(size)
  }
  return { machine: { ...machine, allocate }, sizes }
}

it.each([
  ['the best engine', best],
  ['the reference', openReference()],
])('%s: arenas share the largest that was needed, and begin with zeros', (_, engine) => {
  const { machine, sizes } = counting(engine)
  const reusing = reusingMemory(machine, 100)
  for (const size of [50, 100, 20, 300, 250]) {
    const { floats, doubles } = reusing.allocate(size)
    expect([floats.length, doubles.length]).toEqual([size, size >> 1])
    expect([...floats, ...doubles].every((x) => x === 0)).toBe(true)
    floats.fill(3)
    doubles.fill(5)
  }
  expect(sizes).toEqual([100, 300])
  expect(reusing.description).toBe(engine.description)
})

it('programs run, and those of a larger arena do not', () => {
  const graphOf = (size: number) => {
    const graph = new Graph()
    const state = graph.state('s', [size])
    graph.output('twice', add(graph, state, state))
    return graph
  }
  const reusing = reusingMemory(best)
  const large = compile(reusing, { double: graphOf(5000) })
  const small = compile(reusing, { double: graphOf(3) })
  small.view('s').set([1, 2, 3])
  small.run('double')
  expect([...small.read('double', 'twice')]).toEqual([2, 4, 6])
  expect(large.view('s')[1]).toBe(2)
})
