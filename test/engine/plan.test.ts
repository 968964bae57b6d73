import { describe, expect, it } from 'vitest'
import { fuse } from '../../src/engine/fuse.ts'
import { loweringOf } from '../../src/engine/lowering/index.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { floatsOf, type Plan, planMemory } from '../../src/engine/plan.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { add, neg, relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { crossEntropy } from '../../src/graph/operators/loss.ts'
import { reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { simplify } from '../../src/graph/simplify.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { random } from '../../src/util/random.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { randomGraph } from '../support/random-graph.ts'
import { randomNetwork } from '../support/random-network.ts'

/** A random image network in training, with the gradients of its parameters. */
function imageNetwork(seed: number): { graph: Graph; computed: Tensor[] } {
  const { graph: forward, computed, logits } = randomNetwork(random(seed, 'plan'), 9, 3, seed % 2 === 0)
  const { graph, gradients } = differentiate(
    forward,
    reduceSum(forward, logits, [0, 1], 0),
    forward.withRole('parameter'),
  )
  for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
  graph.output('last', logits)
  return { graph, computed }
}

/** A random network whose outputs are some of its values, and the gradients of their sum. */
function network(seed: number): { graph: Graph; computed: Tensor[] } {
  const { graph: forward, computed } = randomGraph(random(seed, 'plan'), 25, { gradients: true })
  const outputs = computed.slice(-4)
  const scalars = outputs.map((value) => reshape(forward, value, [sizeOf(value.shape)], false))
  const total = scalars.map((value) => reduceSum(forward, value, [0], 0)).reduce((a, b) => add(forward, a, b))
  const { graph, gradients } = differentiate(forward, total, forward.withRole('parameter'))
  for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
  graph.output('last', outputs.at(-1)!)
  return { graph, computed }
}

/**
 * Runs a graph on names instead of numbers: every float of the region remembers whose value it holds. Finds
 * any value that is gone when it is needed, and any node that writes over memory that it still reads.
 */
function simulate(graph: Graph, plan: Plan): void {
  const memory = new Array<Tensor | undefined>(plan.size)
  const content = new Map<Tensor, Tensor>()
  const range = (tensor: Tensor): [number, number] | undefined => {
    const from = plan.offsets.get(tensor)
    return from === undefined ? undefined : [from, from + sizeOf(tensor.shape)]
  }
  for (const node of graph.nodes) {
    const name = `${node.operator.name} -> ${node.outputs[0]?.name}`
    for (const input of node.inputs) {
      const place = range(input)
      if (!place) continue
      expect(new Set(memory.slice(...place)), `${name} reads ${input.name}`).toEqual(new Set([content.get(input)]))
    }
    const lowering = loweringOf(node)
    for (const output of node.outputs) {
      const place = range(output)
      if (!place) continue
      if (lowering.aliases?.(node) && plan.offsets.get(node.inputs[0]) === place[0]) {
        content.set(output, content.get(node.inputs[0])!)
        continue
      }
      const touched = node.inputs.filter((input) => {
        const other = range(input)
        return other && other[0] < place[1] && place[0] < other[1]
      })
      expect(new Set(touched).size, `${name} writes over several operands`).toBeLessThan(2)
      for (const input of touched) {
        expect(range(input), `${name} writes over a part of ${input.name}`).toEqual(place)
        expect(lowering.inPlace?.(node) ?? [], `${name} writes over ${input.name}`).toContain(
          node.inputs.indexOf(input),
        )
      }
      memory.fill(output, ...place)
      content.set(output, output)
    }
  }
}

const planOf = (graph: Graph) => {
  const prepared = fuse(simplify(graph))
  return { prepared, plan: planMemory(prepared, loweringOf) }
}

describe.each([
  ['graphs', network],
  ['image networks', imageNetwork],
])('random %s', (_name, network) => {
  const seeds = Array.from({ length: 150 }, (_, i) => i)

  it('no value is overwritten before its last use', () => {
    let inPlace = 0
    for (const seed of seeds) {
      const { prepared, plan } = planOf(network(seed).graph)
      simulate(prepared, plan)
      for (const node of prepared.nodes)
        if (!loweringOf(node).aliases?.(node) && node.outputs.length && plan.offsets.has(node.inputs[0]))
          if (plan.offsets.get(node.inputs[0]) === plan.offsets.get(node.outputs[0])) inPlace++
    }
    // What was checked does happen.
    expect(inPlace).toBeGreaterThan(100)
  })

  it('memory is shared: most need less than the sum of their values', () => {
    const smaller = seeds.filter((seed) => {
      const { plan } = planOf(network(seed).graph)
      return plan.size < [...plan.offsets.keys()].reduce((sum, tensor) => sum + floatsOf(tensor), 0)
    })
    expect(smaller.length).toBeGreaterThan(100)
  })

  it('results do not change when every value has a place of its own', () => {
    for (const seed of seeds.slice(0, 60)) {
      const { graph, computed } = network(seed)
      const apart = graph.clone()
      for (const [i, value] of computed.entries()) apart.output(`value ${i}`, value)
      for (const [i, node] of graph.nodes.entries())
        for (const [o, value] of node.outputs.entries()) apart.output(`node ${i}.${o}`, value)
      const values = randomValues(graph, random(seed, 'values'))
      const expected = evaluate(openReference(), apart, values)
      for (const [name, value] of evaluate(openReference(), graph, values)) expect(value).toEqual(expected.get(name))
    }
  })
})

describe('examples', () => {
  it('a chain of equal sizes lives in two places', () => {
    const graph = new Graph()
    let x = graph.input('x', [8, 64])
    for (let i = 0; i < 10; i++) x = neg(graph, linear(graph, x, `layer${i}`, 64))
    graph.output('y', linear(graph, x, 'head', 64))
    expect(planOf(graph).plan.size).toBe(2 * 8 * 64)
  })

  it('a training step needs far less than all its values', () => {
    const graph = new Graph()
    let x = graph.input('x', [32, 100])
    const labels = graph.input('labels', [32])
    for (let i = 0; i < 8; i++) x = relu(graph, linear(graph, x, `layer${i}`, 100))
    const step = differentiate(graph, crossEntropy(graph, x, labels), [graph.tensors.get('layer0.weight')!])
    step.graph.output('gradient', step.gradients[0])
    const { plan } = planOf(step.graph)
    const sum = [...plan.offsets.keys()].reduce((total, tensor) => total + floatsOf(tensor), 0)
    expect(plan.size).toBeLessThan(0.7 * sum)
  })

  it('an elementwise result takes the place of an operand that dies', () => {
    const graph = new Graph()
    const x = relu(graph, graph.input('x', [4, 4]))
    const y = neg(graph, x)
    graph.output('z', reduceSum(graph, y, [0, 1]))
    const { plan } = planOf(graph)
    expect(plan.offsets.get(y)).toBe(plan.offsets.get(x))
  })

  it('but not where another operand is the same memory under another shape', () => {
    const graph = new Graph()
    const x = relu(graph, graph.input('x', [2, 2]))
    const y = add(graph, x, reshape(graph, reshape(graph, x, [2, 2, 1]), [2, 2]))
    graph.output('z', reduceSum(graph, y, [0, 1]))
    const { plan } = planOf(graph)
    expect(plan.offsets.get(y)).not.toBe(plan.offsets.get(x))
  })
})
