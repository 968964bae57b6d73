import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import { fitsSparse } from '../../src/engine/lowering/sparse.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { type Pattern, writePattern } from '../../src/engine/pattern.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph, prunableParameters } from '../../src/graph/graph.ts'
import { conv } from '../../src/graph/operators/conv.ts'
import { add, relu } from '../../src/graph/operators/elementwise.ts'
import { gemm, linear } from '../../src/graph/operators/linear.ts'
import { reduceSum } from '../../src/graph/operators/shape.ts'
import { GroupLasso } from '../../src/graph/operators/update.ts'
import { canBeSparse, patternNames, sparsify } from '../../src/graph/sparsify.ts'
import { type Shape, sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { appendSgd, BIAS_HYPER, HYPER } from '../../src/optim/sgd.ts'
import { type Random, random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'
import { given } from '../support/evaluate.ts'
import { randomNetwork } from '../support/random-network.ts'
import { densities, randomPositions } from '../support/sparse-weights.ts'

/**
 * Gradients of the sum of some tensor and of the group lasso, and an SGD step for every parameter; gradients
 * of prunable ones are masked.
 */
function training(forward: Graph, result: Tensor): Graph {
  const parameters = forward.withRole('parameter')
  const loss = reduceSum(
    forward,
    result,
    result.shape.map((_, i) => i),
    0,
  )
  const { graph, gradients } = differentiate(forward, loss, parameters)
  const prunable = new Set(prunableParameters(forward))
  const penalized = parameters.map((parameter, i) =>
    prunable.has(parameter) && parameter.shape.length === 4
      ? graph.apply(GroupLasso, [gradients[i], parameter], { coefficient: 0.05 })[0]
      : gradients[i],
  )
  appendSgd(graph, parameters, penalized, (parameter) =>
    prunable.has(parameter)
      ? graph.state(`${parameter.name}.mask`, parameter.shape, { beside: parameter.name })
      : undefined,
  )
  graph.output('result', result)
  return graph
}

const states = (name: string) => [`${name}.momentum`, `${name}.mask`]

/**
 * Two steps with the weights at some places only: dense and masked, or sparse where that is possible. Returns
 * results, weights and momentum.
 */
function run(machine: Machine, graph: Graph, positions: ReadonlyMap<Tensor, Int32Array>, sparse: boolean, rng: Random) {
  const held = new Map([...positions].map(([{ name }, { length }]) => [name, length + 2]))
  const executable = compile(machine, { step: sparse ? sparsify(graph, held) : graph })
  for (const { name, shape, role } of given(graph)) {
    const whole = Array.from({ length: sizeOf(shape) }, () => (name.endsWith('running_var') ? 1 : rng.normal() / 2))
    const owner = [...positions.keys()].find((weight) => [weight.name, ...states(weight.name)].includes(name))
    const places = owner && positions.get(owner)
    if (role === 'input') executable.write('step', name, whole)
    else if (name === HYPER || name === BIAS_HYPER) executable.view(name).set([0.1, 0.9, 0.01, 0, 0.02])
    else if (!places) executable.view(name).set(whole)
    else if (name.endsWith('.mask')) for (const [e, at] of places.entries()) executable.view(name)[sparse ? e : at] = 1
    else for (const [e, at] of places.entries()) executable.view(name)[sparse ? e : at] = whole[at]
  }
  if (sparse)
    for (const [{ name, shape }, places] of positions) {
      const pattern = Object.entries(patternNames(name)).map(([key, state]) => [key, executable.integers(state)])
      writePattern(Object.fromEntries(pattern) as Pattern, shape, places)
    }
  executable.run('step')
  executable.run('step')
  const result: Record<string, number[]> = { result: [...executable.read('step', 'result')] }
  for (const { name } of graph.withRole('parameter'))
    for (const state of [name, `${name}.momentum`]) {
      const places = [...positions].find(([weight]) => weight.name === name)?.[1]
      const view = executable.view(state)
      result[state] = places ? Array.from(places, (at, e) => view[sparse ? e : at]) : [...view]
      if (places && sparse) expect([...view.subarray(places.length)]).toEqual([0, 0])
      if (places && !sparse) expect(view.filter((value) => value !== 0).length).toBeLessThanOrEqual(places.length)
    }
  return result
}

function expectClose(got: Record<string, number[]>, want: Record<string, number[]>, tolerance: number) {
  for (const [name, list] of Object.entries(want)) {
    const scale = Math.max(1, ...list.map(Math.abs))
    for (const [i, value] of list.entries())
      if (!(Math.abs(got[name][i] - value) <= tolerance * scale))
        throw new Error(`${name}[${i}] is ${got[name][i]}, expected ${value}`)
  }
}

describe('a sparse network does what the masked dense one does', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))('random network %i', (seed) => {
    const rng = random(seed, 'sparse network')
    const { graph: forward, logits } = randomNetwork(rng, 7, [1, 3, 16, 21][seed % 4], true)
    const graph = training(forward, logits)
    const weights = prunableParameters(forward).filter((weight) => canBeSparse(graph, weight, fitsSparse))
    expect(weights.length).toBeGreaterThan(0)
    const positions = new Map(
      weights.map((weight) => [weight, randomPositions(rng, weight.shape, densities[rng.below(densities.length)])]),
    )
    const values = () => random(seed, 'values')
    const want = run(openReference(), graph, positions, false, values())
    expectClose(run(openReference(), graph, positions, true, values()), want, 1e-12)
    for (const machine of [best, wasm]) expectClose(run(machine, graph, positions, true, values()), want, 2e-3)
  })
})

it('a linear layer whose weight is [in, out] is its own input gradient, and the other way round', () => {
  const forward = new Graph()
  const x = gemm(forward, forward.input('x', [9, 5]), forward.parameter('first', [5, 7]))
  const y = gemm(forward, relu(forward, x), forward.parameter('second', [7, 3]))
  const graph = training(forward, y)
  const rng = random(1, 'transposed')
  const positions = new Map(prunableParameters(forward).map((w) => [w, randomPositions(rng, w.shape, 0.5)]))
  const values = () => random(2, 'values')
  const want = run(openReference(), graph, positions, false, values())
  expectClose(run(best, graph, positions, true, values()), want, 1e-5)
})

describe('what can be sparse', () => {
  const able = (build: (graph: Graph, x: Tensor, weight: Tensor) => Tensor, x: Shape, weight: Shape) => {
    const forward = new Graph()
    const parameter = forward.parameter('w', weight)
    const graph = training(forward, build(forward, forward.input('x', x), parameter))
    return canBeSparse(graph, parameter, fitsSparse)
  }

  it('convolutions and linear layers are', () => {
    expect(able((g, x, w) => conv(g, x, w), [2, 3, 5, 5], [4, 3, 3, 3])).toBe(true)
    expect(able((g, x, w) => gemm(g, x, w, { transB: 1 }), [2, 3], [4, 3])).toBe(true)
    expect(able((g, x, w) => gemm(g, x, w), [2, 3], [3, 4])).toBe(true)
  })

  it('depthwise convolutions, weights used twice or otherwise and huge strides are not', () => {
    expect(able((g, x, w) => conv(g, x, w, undefined, { group: 3 }), [2, 3, 5, 5], [3, 1, 3, 3])).toBe(false)
    expect(able((g, x, w) => relu(g, conv(g, conv(g, x, w), w)), [2, 3, 5, 5], [3, 3, 1, 1])).toBe(false)
    expect(able((g, x, w) => add(g, conv(g, x, w), reduceSum(g, w, [0, 1, 2, 3])), [2, 3, 5, 5], [4, 3, 1, 1])).toBe(
      false,
    )
    expect(able((g, x, w) => conv(g, x, w, undefined, { strides: [9, 9] }), [2, 3, 9, 9], [4, 3, 1, 1])).toBe(false)
  })

  it('a dense gradient that something else reads is there as well', () => {
    const forward = new Graph()
    const x = forward.input('x', [2, 3])
    const y = linear(forward, x, 'fc', 4)
    const parameters = forward.withRole('parameter')
    const { graph, gradients } = differentiate(forward, reduceSum(forward, y, [0, 1], 0), parameters)
    appendSgd(graph, parameters, gradients, () => undefined)
    graph.output('gradient', gradients[0])
    const executable = compile(best, { step: sparsify(graph, new Map([['fc.weight', 2]])) })
    executable.write('step', 'x', [1, 2, 3, 4, 5, 6])
    executable.run('step')
    expect([...executable.read('step', 'gradient')]).toEqual([5, 7, 9, 5, 7, 9, 5, 7, 9, 5, 7, 9])
  })
})
