/**
 * @file The loss of one score per sample: binary cross-entropy, its derivatives by formula, and accuracy by
 * sign, on every machine.
 */
import { describe, expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { mul } from '../../src/graph/operators/elementwise.ts'
import { countCorrect, crossEntropy, sampleCrossEntropy } from '../../src/graph/operators/loss.ts'
import { reduceSum } from '../../src/graph/operators/shape.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate } from '../support/evaluate.ts'

const z = [-1000, -30, -2, -0.25, 0, 0, 0.5, 3, 30, 1000, 1000]
const labels = [0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1]
/** Told right: samples 0, 3, 4 (a score of 0 is class 0), 7, 8 and 10. */
const CORRECT = 6

const p = z.map((score) => 1 / (1 + Math.exp(-score)))
const losses = z.map((score, i) => Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) - labels[i] * score)

function graphOf() {
  const graph = new Graph()
  const logits = graph.input('z', [z.length, 1])
  return { graph, logits, labels: graph.input('labels', [z.length]) }
}
const values = new Map([
  ['z', z],
  ['labels', labels],
  ['v', z.map((_, i) => (i % 3) - 1.5)],
])

function expectClose(found: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(found).toHaveLength(expected.length)
  for (const [i, x] of expected.entries())
    expect(Math.abs(found[i] - x), `${i}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(x)))
}

describe.each<[string, Machine, number]>([
  ['reference', openReference(), 1e-12],
  [best.engine, best, 3e-7],
  ['wasm', wasm, 3e-7],
])('%s', (_name, machine, tolerance) => {
  it('the loss is softplus(z) - label z, and stays finite', () => {
    const { graph, logits, labels } = graphOf()
    graph.output('losses', sampleCrossEntropy(graph, logits, labels))
    graph.output('mean', crossEntropy(graph, logits, labels))
    const found = evaluate(machine, graph, values)
    expectClose(found.get('losses')!, losses, tolerance)
    expectClose(found.get('mean')!, [losses.reduce((a, b) => a + b, 0) / z.length], tolerance)
  })

  it('a sample is told right where z > 0 and the label is 1, or z <= 0 and the label is 0', () => {
    const { graph, logits, labels } = graphOf()
    graph.output('correct', countCorrect(graph, logits, labels))
    expect([...evaluate(machine, graph, values).get('correct')!]).toEqual([CORRECT])
  })

  it('the gradient is sigmoid(z) - label, the Hessian sigmoid(z) (1 - sigmoid(z))', () => {
    const { graph: forward, logits, labels: given } = graphOf()
    const sum = reduceSum(forward, sampleCrossEntropy(forward, logits, given), [0], 0)
    const { graph: once, gradients } = differentiate(forward, sum, [logits])
    const along = mul(once, gradients[0], once.input('v', [z.length, 1]))
    const { graph, gradients: products } = differentiate(once, reduceSum(once, along, [0, 1], 0), [logits])
    graph.output('gradient', gradients[0])
    graph.output('product', products[0])
    const found = evaluate(machine, graph, values)
    const v = values.get('v')!
    const slope = p.map((x, i) => x - labels[i])
    const curvature = p.map((x, i) => x * (1 - x) * v[i])
    expectClose(found.get('gradient')!, slope, tolerance)
    expectClose(found.get('product')!, curvature, tolerance)
  })
})
