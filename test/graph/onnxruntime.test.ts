import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { div, fmod, maximum, minimum, pow } from '../../src/graph/operators/arithmetic.ts'
import { batchMatmul } from '../../src/graph/operators/batch-product.ts'
import { equal, less, lessOrEqual, where } from '../../src/graph/operators/comparisons.ts'
import {
  abs,
  add,
  clip,
  mul,
  neg,
  reciprocal,
  relu,
  sigmoid,
  sqrt,
  sub,
} from '../../src/graph/operators/elementwise.ts'
import {
  atan,
  ceil,
  cos,
  erf,
  exp,
  floor,
  gelu,
  log,
  round,
  sign,
  sin,
  tanh,
} from '../../src/graph/operators/functions.ts'
import { gemm, matmul } from '../../src/graph/operators/linear.ts'
import { Softmax, SoftmaxCrossEntropyLoss } from '../../src/graph/operators/loss.ts'
import { reduceMean } from '../../src/graph/operators/mean.ts'
import { reduceMax, reduceMin, reduceProd } from '../../src/graph/operators/reductions.ts'
import { expand, flatten, reduceSum, reshape, transpose } from '../../src/graph/operators/shape.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'
import { random } from '../../src/util/random.ts'
import { draws } from '../support/breadth.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { runOnnx } from '../support/onnx.ts'
import { randomGraph } from '../support/random-graph.ts'
import { randomNetwork } from '../support/random-network.ts'

/** Runs a graph here and in ONNX Runtime; results may differ by roundings of the largest values. */
async function expectSame(graph: Graph, seed: number): Promise<void> {
  const values = randomValues(graph, random(seed, 'values'))
  const expected = await runOnnx(graph, values)
  for (const machine of new Set([best, wasm]))
    for (const [name, got] of evaluate(machine, graph, values)) {
      const want = expected.get(name)!
      expect(got.length).toBe(want.length)
      const largest = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1)
      const worst = want.reduce((a, b, i) => Math.max(a, Math.abs(b - got[i])), 0)
      expect(worst, `${machine.engine}: ${name}`).toBeLessThanOrEqual(2e-5 * largest)
    }
}

const size = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(1, 8, 17))
const shapeOf = (least: number, most: number) => fc.array(size, { minLength: least, maxLength: most })
const seeds = fc.nat()
const batches = fc.constantFrom(1, 3, 8, 17)
const flags = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })

/** A property over graphs of one operator. */
const same = <T>(arbitrary: fc.Arbitrary<T>, build: (graph: Graph, drawn: T, batched: boolean) => Tensor) =>
  fc.assert(
    fc.asyncProperty(arbitrary, fc.boolean(), seeds, async (drawn, batched, seed) => {
      const graph = new Graph()
      graph.output('y', build(graph, drawn, batched))
      await expectSame(graph, seed)
    }),
    draws(50),
  )

/** Whichever is farther from 0. */
const chosen = (graph: Graph, a: Tensor, b: Tensor) => where(graph, less(graph, abs(graph, a), abs(graph, b)), b, a)

describe('ONNX Runtime computes the same', () => {
  it.each(Object.entries({ neg, relu, exp, tanh, erf, floor, ceil, round, sign, sin, cos, atan, gelu }))(
    '%s',
    (_name, operator) =>
      same(shapeOf(0, 4), (graph, shape, batched) => operator(graph, graph.input('x', shape, { batched }))),
  )

  it.each(Object.entries({ add, sub, mul, maximum, minimum, less, lessOrEqual, equal, chosen }))(
    '%s with broadcasts',
    (_name, operator) =>
      same(
        fc.tuple(shapeOf(0, 4), fc.nat({ max: 4 }), flags, flags),
        (graph, [shape, fewer, onesA, onesB], batched) => {
          const some = (ones: boolean[]): Shape => shape.map((n, i) => (ones[i] ? 1 : n))
          const a = graph.input('a', some(onesA), { batched })
          const b = graph.input('b', some(onesB).slice(fewer), { batched: !batched })
          return operator(graph, a, b)
        },
      ),
  )

  it('Reshape', () =>
    same(fc.tuple(shapeOf(1, 4), fc.boolean()), (graph, [shape, plain], batched) => {
      const x = graph.input('x', shape, { batched })
      return reshape(graph, neg(graph, x), [shape[0], ...shape.slice(1).reverse(), 1], batched && !plain)
    }))

  it('Flatten', () =>
    same(shapeOf(1, 4), (graph, shape, batched) => flatten(graph, graph.input('x', shape, { batched }))))

  it('Transpose', () =>
    same(fc.tuple(shapeOf(2, 4), fc.nat()), (graph, [shape, choice], batched) => {
      const rest = shape.map((_, i) => i).slice(1)
      const turn = choice % rest.length
      return transpose(graph, graph.input('x', shape, { batched }), [0, ...rest.slice(turn), ...rest.slice(0, turn)])
    }))

  it('Expand', () =>
    same(fc.tuple(shapeOf(0, 3), flags, fc.boolean()), (graph, [shape, ones, longer], batched) => {
      const x = graph.input(
        'x',
        shape.map((n, i) => (ones[i] ? 1 : n)),
        { batched },
      )
      return expand(graph, x, longer ? [3, ...shape] : shape, !batched && shape.length > 0)
    }))

  it.each(Object.entries({ reduceSum, reduceMean, reduceMax, reduceMin, reduceProd }))('%s', (_name, operator) =>
    same(fc.tuple(shapeOf(1, 4), flags, fc.constantFrom(0, 1)), (graph, [shape, summed, keepdims], batched) => {
      const axes = shape.map((_, i) => i).filter((i) => (i === 0 ? summed[0] || shape.length === 1 : summed[i]))
      return operator(graph, graph.input('x', shape, { batched }), axes.length ? axes : [shape.length - 1], keepdims)
    }),
  )

  it('Gemm with any transposes, bias, alpha and beta', () => {
    const sizes = fc.tuple(...[1, 2, 3].map(() => fc.constantFrom(1, 3, 16, 31, 65)))
    return same(
      fc.tuple(sizes, flags, fc.constantFrom(1, 0.5)),
      (graph, [[m, n, k], [left, right, biased, batchedB], alpha], batched) => {
        const a = graph.input('a', left ? [k, m] : [m, k], { batched })
        const b = graph.input('b', right ? [n, k] : [k, n], { batched: batchedB })
        const bias = biased ? graph.parameter('bias', [n]) : undefined
        return gemm(graph, a, b, { transA: Number(left), transB: Number(right), bias, alpha, beta: 2 * alpha })
      },
    )
  })

  it('MatMul', () =>
    same(fc.tuple(size, size, size), (graph, [m, n, k], batched) => {
      return matmul(graph, graph.input('a', [m, k], { batched }), graph.parameter('b', [k, n]))
    }))

  it('many matrix products at once, with any transposes', () =>
    same(
      fc.tuple(shapeOf(0, 2), size, size, size, flags),
      (graph, [places, m, n, k, [left, right, shared]], batched) => {
        const a = graph.input('a', [...places, ...(left ? [k, m] : [m, k])], { batched })
        const b = graph.input('b', [...(shared ? [] : places), ...(right ? [n, k] : [k, n])], { batched: false })
        return batchMatmul(graph, a, b, { transA: Number(left), transB: Number(right) })
      },
    ))

  it('Softmax along any axis', () =>
    same(fc.tuple(shapeOf(2, 4), fc.nat()), (graph, [shape, choice], batched) => {
      const axis = batched ? 1 + (choice % (shape.length - 1)) : choice % shape.length
      return graph.apply(Softmax, [graph.input('x', shape, { batched })], { axis })[0]
    }))

  it('SoftmaxCrossEntropyLoss', () =>
    same(fc.tuple(size, fc.integer({ min: 2, max: 20 })), (graph, [samples, classes]) => {
      const inputs = [graph.input('x', [samples, classes]), graph.input('labels', [samples])]
      return graph.apply(SoftmaxCrossEntropyLoss, inputs)[0]
    }))

  it.each(Object.entries({ sqrt, reciprocal, sigmoid, log }))('%s', (_name, operator) =>
    same(shapeOf(0, 4), (graph, shape, batched) => {
      const x = graph.input('x', shape, { batched })
      return operator(graph, add(graph, mul(graph, x, x), graph.constant(0.5)))
    }),
  )

  it.each(Object.entries({ div, pow, fmod }))('%s with broadcasts, of what is at least a half', (_name, operator) =>
    same(fc.tuple(shapeOf(0, 4), flags, flags), (graph, [shape, onesA, onesB], batched) => {
      const [a, b] = [onesA, onesB].map((ones, i) => {
        const x = graph.input(
          `${i}`,
          shape.map((n, axis) => (ones[axis] ? 1 : n)),
          { batched },
        )
        return add(graph, mul(graph, x, x), graph.constant(0.5))
      })
      return operator(graph, a, b)
    }),
  )

  it('Abs', () => same(shapeOf(0, 4), (graph, shape, batched) => abs(graph, graph.input('x', shape, { batched }))))

  it('Clip', () =>
    same(shapeOf(0, 4), (graph, shape, batched) => clip(graph, graph.input('x', shape, { batched }), -0.5, 0.25)))

  it('random image networks, of odd batches too', () =>
    fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 1, max: 12 }), batches, async (seed, steps, samples) => {
        const { graph, computed } = randomNetwork(random(seed, 'onnx'), steps, samples)
        for (const [i, value] of computed.entries()) graph.output(`${i}`, value)
        await expectSame(graph, seed)
      }),
      draws(80),
    ))

  it('the last value of random image networks, fused on the way', () =>
    fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 4, max: 12 }), batches, async (seed, steps, samples) => {
        const { graph, computed } = randomNetwork(random(seed, 'onnx'), steps, samples)
        graph.output('y', computed.at(-1)!)
        await expectSame(graph, seed)
      }),
      draws(40),
    ))

  it('random graphs', () =>
    fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 1, max: 20 }), async (seed, steps) => {
        const { graph, computed } = randomGraph(random(seed, 'onnx'), steps)
        fc.pre(computed.length > 0)
        for (const [i, value] of computed.entries()) graph.output(`${i}`, value)
        await expectSame(graph, seed)
      }),
      draws(60),
    ))
})
