import { describe, expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import type { Operator } from '../../src/graph/operator.ts'
import * as arithmetic from '../../src/graph/operators/arithmetic.ts'
import * as batch from '../../src/graph/operators/batch.ts'
import * as comparisons from '../../src/graph/operators/comparisons.ts'
import * as conv from '../../src/graph/operators/conv.ts'
import * as dropout from '../../src/graph/operators/dropout.ts'
import * as elementwise from '../../src/graph/operators/elementwise.ts'
import * as functions from '../../src/graph/operators/functions.ts'
import * as linear from '../../src/graph/operators/linear.ts'
import * as loss from '../../src/graph/operators/loss.ts'
import * as norm from '../../src/graph/operators/norm.ts'
import * as pooling from '../../src/graph/operators/pooling.ts'
import * as reductions from '../../src/graph/operators/reductions.ts'
import * as shape from '../../src/graph/operators/shape.ts'
import * as update from '../../src/graph/operators/update.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { expectGradients, expectHessian, variables, weightedSum } from '../support/finite-differences.ts'
import { operatorCases } from '../support/operator-cases.ts'
import { randomGraph } from '../support/random-graph.ts'

describe('one operator', () => {
  it.each(operatorCases)('$name', ({ graph: source, output }) => {
    const graph = source.clone()
    const scalar = weightedSum(graph, [output], random(1, 'weights'))
    expectGradients(graph, scalar)
    expectHessian(graph, scalar)
  })

  it('every operator with a gradient is among them', () => {
    const modules = [
      arithmetic,
      batch,
      comparisons,
      conv,
      dropout,
      elementwise,
      functions,
      linear,
      loss,
      norm,
      pooling,
      reductions,
      shape,
      update,
    ]
    const operators = modules.flatMap((module) => Object.values(module) as Partial<Operator>[])
    const names = operators.filter(({ gradient, decompose }) => gradient ?? decompose).map(({ name }) => name)
    expect(names.length).toBeGreaterThan(10)
    const tried = operatorCases.flatMap(({ graph }) => graph.nodes.map(({ operator }) => operator.name))
    expect(names.filter((name) => !tried.includes(name!))).toEqual([])
  })
})

/** A scalar of several values of a random graph. */
function randomScalar(seed: number, steps: number): { graph: Graph; scalar: Tensor } {
  const rng = random(seed, 'gradients')
  const { graph, computed } = randomGraph(rng, steps, { gradients: true })
  return { graph, scalar: weightedSum(graph, computed.slice(-3), rng) }
}

describe('random graphs', () => {
  it('first derivatives', () => {
    for (let seed = 0; seed < 80; seed++) {
      const { graph, scalar } = randomScalar(seed, 12)
      expectGradients(graph, scalar, seed)
    }
  })

  it('second derivatives', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { graph, scalar } = randomScalar(seed, 7)
      expectHessian(graph, scalar, seed)
    }
  })

  it.each([best, wasm])('derivatives in float32: $engine', (machine: Machine) => {
    for (let seed = 0; seed < 40; seed++) {
      const { graph: source, scalar } = randomScalar(seed, 12)
      const { graph, gradients } = differentiate(source, scalar, variables(source))
      for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
      const values = randomValues(graph, random(seed, 'values'))
      const got = evaluate(machine, graph, values)
      for (const [name, want] of evaluate(openReference(), graph, values)) {
        const largest = Math.max(...Array.from(want, Math.abs))
        for (const [i, value] of want.entries())
          expect(Math.abs(got.get(name)![i] - value), `${seed}: ${name}`).toBeLessThan(1e-4 * (largest + 1))
      }
    }
  })
})

describe('a network of two layers with softmax cross-entropy', () => {
  const graph = new Graph()
  const x = graph.input('x', [5, 6])
  const hidden = elementwise.relu(graph, linear.linear(graph, x, 'fc1', 7))
  const mean = loss.crossEntropy(graph, linear.linear(graph, hidden, 'fc2', 3), graph.input('labels', [5]))

  it('first derivatives', () => expectGradients(graph, mean))
  it('second derivatives', () => expectHessian(graph, mean))

  it('gradients of gradients of gradients', () => {
    const first = differentiate(graph, mean, variables(graph))
    const scalar = weightedSum(first.graph, first.gradients, random(1, 'first'))
    expectHessian(first.graph, scalar)
  })
})

describe('differentiate', () => {
  it('refuses a loss that is not a scalar', () => {
    const graph = new Graph()
    const y = elementwise.neg(graph, graph.input('x', [3, 2]))
    expect(() => differentiate(graph, y, [])).toThrow(/expected a scalar loss, found Neg_1 \[3, 2\]/)
  })

  it('leaves the given graph alone', () => {
    const { graph, scalar } = randomScalar(3, 8)
    const sizes = [graph.nodes.length, graph.tensors.size]
    differentiate(graph, scalar, variables(graph))
    expect([graph.nodes.length, graph.tensors.size]).toEqual(sizes)
  })

  it('gives zeros, in the layout of the tensor, where the loss does not depend on it', () => {
    const graph = new Graph()
    const [x, other] = [graph.input('x', []), graph.input('other', [3, 2])]
    const { gradients } = differentiate(graph, elementwise.neg(graph, x), [other])
    expect(gradients[0]).toMatchObject({ role: 'constant', values: 0, shape: [3, 2], batched: true })
  })
})
