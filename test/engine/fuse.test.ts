import { describe, expect, it } from 'vitest'
import { fuse } from '../../src/engine/fuse.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { conv } from '../../src/graph/operators/conv.ts'
import { add, clip, neg, relu, relu6, sub } from '../../src/graph/operators/elementwise.ts'
import { gemm, matmul } from '../../src/graph/operators/linear.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { flatten, reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { simplify } from '../../src/graph/simplify.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { expectGradients, weightedSum } from '../support/finite-differences.ts'

const names = (graph: Graph) => fuse(simplify(graph)).nodes.map(({ operator }) => operator.name)

/** The same outputs, whatever else is asked for: what is an output is not fused away. */
function expectSameResults(graph: Graph): void {
  const apart = graph.clone()
  for (const [i, { outputs }] of graph.nodes.entries()) if (outputs.length) apart.output(`node ${i}`, outputs[0])
  expect(names(apart).length).toBeGreaterThan(names(graph).length)
  const values = randomValues(graph, random(1, 'fuse'))
  const expected = evaluate(openReference(), apart, values)
  for (const [name, value] of evaluate(openReference(), graph, values)) expect(value, name).toEqual(expected.get(name))
  for (const machine of [best, wasm])
    for (const [name, value] of evaluate(machine, graph, values))
      for (const [i, got] of value.entries())
        expect(Math.abs(got - expected.get(name)![i]), `${machine.engine}: ${name}`).toBeLessThan(1e-4)
}

const image = (graph: Graph, name = 'x') => graph.input(name, [3, 2, 4, 4])

describe('a ReLU becomes the end of what it follows', () => {
  const makers: [string, string, (graph: Graph) => Tensor][] = [
    ['Gemm', 'Gemm', (graph) => gemm(graph, flatten(graph, image(graph)), graph.parameter('w', [32, 3]))],
    ['MatMul', 'MatMul', (graph) => matmul(graph, flatten(graph, image(graph)), graph.parameter('w', [32, 3]))],
    ['Conv', 'Conv', (graph) => conv(graph, image(graph), graph.parameter('w', [3, 2, 2, 2]))],
    ['BatchNormalization', 'BatchNormalization', (graph) => batchNorm(graph, image(graph), 'bn', false)],
    ['BatchNormTrain', 'BatchNormTrain', (graph) => batchNorm(graph, image(graph), 'bn', true)],
    ['Add', 'AddRelu', (graph) => add(graph, image(graph), image(graph, 'other'))],
  ]

  it.each(makers)('%s', (name, fused, make) => {
    const graph = new Graph()
    graph.output('y', relu(graph, make(graph)))
    expect(names(graph)).toContain(fused)
    expect(names(graph)).not.toContain('Relu')
    const node = fuse(simplify(graph)).nodes.find(({ operator }) => operator.name === fused)!
    expect(node.outputs[0]).toBe(graph.outputs.get('y'))
    if (name === fused) expect(node.attributes.relu).toBe(1)
    expectSameResults(graph)
  })

  it.each(makers)('%s, ReLU6: products and convolutions alone take it', (name, _, make) => {
    const graph = new Graph()
    graph.output('y', relu6(graph, make(graph)))
    const takes = ['Gemm', 'MatMul', 'Conv'].includes(name)
    expect(names(graph).includes('Clip')).toBe(!takes)
    if (takes) expectSameResults(graph)
  })

  it('a Clip with other bounds stays', () => {
    for (const [low, high] of [
      [0, 5],
      [-1, 6],
      [0, Number.POSITIVE_INFINITY],
    ]) {
      const graph = new Graph()
      graph.output('y', clip(graph, conv(graph, image(graph), graph.parameter('w', [3, 2, 2, 2])), low, high))
      expect(names(graph)).toContain('Clip')
    }
  })

  it.each(makers)('%s: not where there is another reader', (_name, _fused, make) => {
    const graph = new Graph()
    const y = make(graph)
    graph.output('y', relu(graph, y))
    graph.output('other', neg(graph, y))
    expect(names(graph)).toContain('Relu')
  })

  it.each(makers)('%s: not where two ReLUs read it', (_name, _fused, make) => {
    const graph = new Graph()
    const y = make(graph)
    graph.output('y', relu(graph, y))
    graph.output('other', relu(graph, y))
    expect(names(graph).filter((name) => name === 'Relu')).toHaveLength(2)
  })

  it.each(makers)('%s: not where it is an output', (_name, _fused, make) => {
    const graph = new Graph()
    const y = make(graph)
    graph.output('before', y)
    graph.output('y', relu(graph, y))
    expect(names(graph)).toContain('Relu')
  })

  it('not of an operator that has no such end', () => {
    const graph = new Graph()
    graph.output('y', relu(graph, sub(graph, image(graph), image(graph, 'other'))))
    expect(names(graph)).toEqual(['Sub', 'Relu'])
  })

  it('not of the statistics of a batch normalization', () => {
    const graph = new Graph()
    batchNorm(graph, image(graph), 'bn', true)
    const [, mean] = graph.nodes.find(({ operator }) => operator.name === 'BatchNormTrain')!.outputs
    graph.output('y', relu(graph, mean))
    expect(names(graph)).toContain('Relu')
  })

  it('two in a row', () => {
    const graph = new Graph()
    graph.output('y', relu(graph, relu(graph, batchNorm(graph, image(graph), 'bn', false))))
    expect(names(graph)).not.toContain('Relu')
    expectSameResults(graph)
  })
})

describe('the gradient of a ReLU becomes a mask of the gradient of a batch normalization', () => {
  const total = (graph: Graph, x: Tensor) => reduceSum(graph, reshape(graph, x, [sizeOf(x.shape)], false), [0], 0)

  /** conv-BN-ReLU-conv, and the gradients of all parameters. */
  function step(extra: (graph: Graph, normalized: Tensor) => Tensor | undefined = () => undefined) {
    const forward = new Graph()
    const first = conv(forward, image(forward), forward.parameter('w1', [3, 2, 2, 2]))
    const normalized = batchNorm(forward, first, 'bn', true)
    const y = conv(forward, relu(forward, normalized), forward.parameter('w2', [2, 3, 2, 2]))
    const more = extra(forward, normalized)
    const loss = more ? add(forward, total(forward, y), more) : total(forward, y)
    const { graph, gradients } = differentiate(forward, loss, forward.withRole('parameter'))
    for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
    return graph
  }
  const masked = (graph: Graph) =>
    fuse(simplify(graph)).nodes.find(({ operator }) => operator.name === 'BatchNormTrainGrad')!.inputs.length === 6

  it('where nothing else reads it', () => {
    const graph = step()
    expect(names(graph)).not.toContain('ReluGrad')
    expect(masked(graph)).toBe(true)
    expectSameResults(graph)
  })

  it('not where more gradients are added to it', () => {
    const graph = step((forward, normalized) => total(forward, normalized))
    expect(names(graph)).toContain('ReluGrad')
    expect(masked(graph)).toBe(false)
  })

  const find = (graph: Graph) => graph.nodes.findIndex(({ operator }) => operator.name === 'ReluGrad')

  it('for other readers, too, if they come later', () => {
    const graph = step()
    graph.output('sum', total(graph, graph.nodes[find(graph)].outputs[0]))
    expect(masked(graph)).toBe(true)
    expectSameResults(graph)
  })

  it('not where it is an output, or read by something else before', () => {
    const output = step()
    output.output('in between', output.nodes[find(output)].outputs[0])
    expect(masked(output)).toBe(false)
    const read = step()
    const at = find(read)
    read.output('sum', total(read, read.nodes[at].outputs[0]))
    read.nodes.splice(at + 1, 0, ...read.nodes.splice(-2))
    expect(masked(read)).toBe(false)
  })
})

describe('the sum of a residual block', () => {
  const layer = (graph: Graph, x: Tensor, name: string, size = 3) =>
    conv(graph, x, graph.parameter(name, [2, 2, size, size]), undefined, { pads: Array(4).fill(size >> 1) })
  const normalized = (graph: Graph, x: Tensor, name: string, training = true, size = 3) =>
    batchNorm(graph, layer(graph, x, name, size), `${name}.bn`, training)
  type Shortcut = (graph: Graph, x: Tensor, name: string, training: boolean) => Tensor

  /** Two blocks of two layers. What is added comes first or second. */
  function network(shortcut: Shortcut, training: boolean, first: boolean): Graph {
    const graph = new Graph()
    let x = relu(graph, normalized(graph, image(graph), 'stem', training))
    for (const name of ['a', 'b']) {
      const inner = relu(graph, normalized(graph, x, `${name}1`, training))
      const before = first ? shortcut(graph, x, name, training) : undefined
      const y = normalized(graph, inner, `${name}2`, training)
      const added = before ?? shortcut(graph, x, name, training)
      x = relu(graph, first ? add(graph, added, y) : add(graph, y, added))
    }
    graph.output('y', x)
    return graph
  }

  /** The gradients of a random linear function of the output. */
  function step(shortcut: Shortcut, first: boolean): Graph {
    const forward = network(shortcut, true, first)
    const loss = weightedSum(forward, [forward.outputs.get('y')!], random(1, 'residual'))
    const { graph, gradients } = differentiate(forward, loss, forward.withRole('parameter'))
    for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
    return graph
  }

  const identity: Shortcut = (_graph, x) => x
  const projection: Shortcut = (graph, x, name, training) => normalized(graph, x, `${name}0`, training, 1)
  const blocks: [string, Shortcut, boolean][] = [
    ['identity, first', identity, true],
    ['identity, second', identity, false],
    ['projection, first', projection, true],
    ['projection, second', projection, false],
  ]

  it.each(blocks)('%s: normalization, sum and ReLU are one kernel', (_name, shortcut, first) => {
    for (const training of [true, false]) {
      const graph = network(shortcut, training, first)
      const kinds = new Set(names(graph))
      expect([...kinds].sort()).toEqual(
        training ? ['BatchNormTrain', 'Conv', 'RunningAverage'] : ['BatchNormalization', 'Conv'],
      )
      expectSameResults(graph)
    }
  })

  it.each(blocks)('%s: so are sum, mask and gradient of the normalization', (_name, shortcut, first) => {
    const graph = step(shortcut, first)
    const fused = names(graph)
    expect(fused).not.toContain('ReluGrad')
    expect(fused).not.toContain('Add')
    expectSameResults(graph)
  })

  it.each(blocks)('%s: gradients against finite differences', (_name, shortcut, first) => {
    const graph = network(shortcut, true, first)
    const loss = weightedSum(graph, [graph.outputs.get('y')!], random(1, 'residual'))
    expectGradients(graph, loss)
  })

  it('not where the sum has another shape, is one of twice the same, or something else reads a summand', () => {
    const graph = new Graph()
    const y = batchNorm(graph, image(graph), 'bn', true)
    graph.output('broadcast', add(graph, y, graph.parameter('shift', [2, 1, 1])))
    const twice = batchNorm(graph, image(graph, 'other'), 'twice', true)
    graph.output('twice', add(graph, twice, twice))
    const read = batchNorm(graph, image(graph, 'third'), 'read', true)
    graph.output('sum', add(graph, read, image(graph, 'fourth')))
    graph.output('negative', neg(graph, read))
    expect(names(graph).filter((name) => name === 'Add')).toHaveLength(3)
  })

  it('not by a normalization before what it would add, since its statistics may be read in between', () => {
    const graph = new Graph()
    const y = batchNorm(graph, image(graph), 'bn', true)
    graph.output('sum', add(graph, y, neg(graph, image(graph, 'other'))))
    expect(names(graph)).toContain('Add')
  })
})
