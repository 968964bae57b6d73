/**
 * @file Derivatives by differentiate() against central differences of fourth order, in float64.
 */
import { expect } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { add, mul } from '../../src/graph/operators/elementwise.ts'
import { reduceSum } from '../../src/graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { type Random, random } from '../../src/util/random.ts'
import { Evaluator, randomValues, type Values } from './evaluate.ts'

const STEP = 1e-4
/** Of the sum of the absolute values of what is added up. */
const RELATIVE = 1e-6

/** What derivatives are taken of: all inputs but class labels, and all parameters. */
export const variables = (graph: Graph): Tensor[] =>
  [...graph.withRole('input'), ...graph.withRole('parameter')].filter(({ name }) => name !== 'labels')

/** The sum of tensors' elements, each with a random weight: a scalar that depends on all of them. */
export function weightedSum(graph: Graph, tensors: readonly Tensor[], rng: Random): Tensor {
  const sums = tensors.map((tensor) => {
    const weights = Array.from({ length: sizeOf(tensor.shape) }, () => 2 * rng.uniform() - 1)
    const terms = mul(graph, tensor, graph.constant(weights, tensor.shape))
    const axes = tensor.shape.map((_, i) => i)
    return axes.length ? reduceSum(graph, terms, axes, 0) : terms
  })
  return sums.reduce((a, b) => add(graph, a, b))
}

/**
 * Checks the gradients of a scalar in every variable, each along random directions; those whose values are
 * `fixed`, such as places in a table, are none.
 */
export function expectGradients(source: Graph, scalar: Tensor, seed = 1, fixed: Values = new Map()): void {
  const rng = random(seed, 'finite differences')
  const wrt = variables(source).filter(({ name }) => !fixed.has(name))
  const values = new Map([...randomValues(source, rng), ...fixed])
  const { graph, gradients } = differentiate(source, scalar, wrt)
  for (const [i, gradient] of gradients.entries()) {
    graph.output(`gradient ${i}`, gradient)
    expect([gradient.shape, gradient.batched], wrt[i].name).toEqual([wrt[i].shape, wrt[i].batched])
  }
  const outputs = new Evaluator(openReference(), graph).run(values)
  const forward = source.clone()
  forward.outputs.clear()
  forward.output('scalar', scalar)
  const evaluator = new Evaluator(openReference(), forward)
  const f = (at: Values) => evaluator.run(at).get('scalar')![0]

  for (const [i, { name, shape }] of wrt.entries()) {
    const gradient = outputs.get(`gradient ${i}`)!
    for (let repeat = 0; repeat < 2; repeat++) {
      const direction = Array.from({ length: sizeOf(shape) }, () => 2 * rng.uniform() - 1)
      const along = (t: number) =>
        f(
          new Map(values).set(
            name,
            values.get(name)!.map((x, j) => x + t * direction[j]),
          ),
        )
      const difference = (8 * (along(STEP) - along(-STEP)) - (along(2 * STEP) - along(-2 * STEP))) / (12 * STEP)
      const terms = direction.map((d, j) => d * gradient[j])
      const derivative = terms.reduce((a, b) => a + b, 0)
      const scale = terms.reduce((a, b) => a + Math.abs(b), 0)
      // The values of f are rounded, too.
      const tolerance = RELATIVE * scale + (1e-14 * (1 + Math.abs(f(values)))) / STEP
      expect(Math.abs(derivative - difference), `d/d${name}: ${derivative}, ${difference} by differences`).toBeLessThan(
        tolerance,
      )
    }
  }
}

/** Checks products of the Hessian with a random vector: gradients of the gradient along that vector. */
export function expectHessian(source: Graph, scalar: Tensor, seed = 1): void {
  const { graph, gradients } = differentiate(source, scalar, variables(source))
  expectGradients(graph, weightedSum(graph, gradients, random(seed, 'Hessian')), seed)
}
