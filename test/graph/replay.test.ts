import { expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { add, mul } from '../../src/graph/operators/elementwise.ts'
import { neededFor, replay } from '../../src/graph/replay.ts'

/** y = (x + 2) w + b, and z = x w, which nothing of y needs. */
function original() {
  const graph = new Graph()
  const x = graph.input('x', [3], { batched: false })
  const [w, b] = [graph.parameter('w', [3]), graph.buffer('b', [3], 0)]
  const shifted = add(graph, x, graph.constant(2))
  const z = mul(graph, x, w)
  const y = add(graph, mul(graph, shifted, w), b)
  return { graph, x, y, z, shifted }
}

it('nodes are computed from other inputs, with parameters by other names', () => {
  const { graph, shifted, y } = original()
  const copy = new Graph()
  const given = copy.input('given', [3], { batched: false })
  const known = replay(copy, graph.nodes.slice(2), new Map([[shifted, given]]), (name) => `other ${name}`)
  copy.output('y', known.get(y)!)
  expect([...copy.tensors.keys()].filter((name) => name.startsWith('other'))).toEqual(['other w', 'other b'])
  const executable = compile(openReference(), { copy })
  executable.view('other w').set([1, 2, 3])
  executable.view('other b').set([10, 20, 30])
  executable.write('copy', 'given', [1, 1, 2])
  executable.run('copy')
  expect([...executable.read('copy', 'y')]).toEqual([11, 22, 36])
})

it('twice in one graph, parameters are shared; an input that is not known is refused', () => {
  const { graph, x, y } = original()
  const copy = new Graph()
  const [a, b] = ['a', 'b'].map((name) => copy.input(name, [3], { batched: false }))
  const sum = add(copy, replay(copy, graph.nodes, new Map([[x, a]])).get(y)!, a)
  expect(replay(copy, graph.nodes, new Map([[x, b]])).get(y)).not.toBe(sum)
  expect(copy.withRole('parameter').map(({ name }) => name)).toEqual(['w'])
  expect(() => replay(copy, graph.nodes, new Map())).toThrow('x is a input: expected values')
})

it('what a tensor needs is what leads to it', () => {
  const { graph, x, y, z, shifted } = original()
  const needed = neededFor([y], graph.nodes)
  expect([needed.has(shifted), needed.has(x), needed.has(z)]).toEqual([true, true, false])
  expect(neededFor([y], graph.nodes.slice(2)).has(x)).toBe(false)
})
