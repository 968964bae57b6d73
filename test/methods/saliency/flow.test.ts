/**
 * @file SynFlow: flow is conserved from layer to layer, rounds avoid collapse, large numbers do not overflow.
 */
import { expect, it } from 'vitest'
import type { Machine } from '../../../src/engine/machine.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { convLayer } from '../../../src/graph/operators/conv.ts'
import { relu } from '../../../src/graph/operators/elementwise.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { batchNorm } from '../../../src/graph/operators/norm.ts'
import { maxPool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { prune } from '../../../src/methods/prune.ts'
import { Scoring } from '../../../src/methods/saliency/scoring/scoring.ts'
import type { Model } from '../../../src/models/model.ts'
import { Network } from '../../../src/train/network.ts'
import { smallImages } from '../../support/small-conv.ts'
import { machine as fast } from '../../train/small.ts'

const base = { summary: 'for tests', image: [1, 6, 6], classes: 4 } as const

/** Nothing is added anywhere: no biases, normalizations as they begin. */
const unbiased: Model = {
  ...base,
  name: 'unbiased',
  build(graph, images, training) {
    let x = convLayer(graph, images, 'conv1', 3, 3, { pad: 1 })
    x = maxPool(graph, relu(graph, batchNorm(graph, x, 'bn1', training)), { kernel: [2, 2] })
    x = relu(graph, convLayer(graph, x, 'conv2', 8, 3, { pad: 1 }))
    x = relu(graph, linear(graph, flatten(graph, x), 'fc1', 10, { bias: false }))
    return linear(graph, x, 'fc2', 4, { bias: false })
  },
}

/** Twelve layers with biases, one of them normalized. */
const deep: Model = {
  ...base,
  name: 'deep',
  build(graph, images) {
    let x = flatten(graph, images)
    for (let layer = 1; layer < 12; layer++) {
      x = linear(graph, x, `fc${layer}`, 8)
      x = relu(graph, layer === 6 ? batchNorm(graph, x, 'bn6', false) : x)
    }
    return linear(graph, x, 'fc12', 4)
  },
}

function networkOn(machine: Machine, model: Model, rounds?: number) {
  const scoring = new Scoring({ method: 'synflow', rounds })
  const { programs } = scoring
  const network = new Network({ machine, model, data: smallImages(), batch: 8, programs, seed: 3 })
  for (const { name } of network.parameters) network.values(name).set(Float32Array.from(network.values(name)))
  return { scoring, network }
}

function scoresOf(network: Network, scoring: Scoring): number[][] {
  const layers = network.layers().map((layer) => ({ ...layer, weights: network.values(layer.name) }))
  scoring.score(network, layers, { seed: 0, event: 0, round: 0 })
  return layers.map(({ scores }) => Array.from(scores))
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

it('scores of every layer sum to the same flow', () => {
  const { network, scoring } = networkOn(openReference(), unbiased)
  const sums = scoresOf(network, scoring).map(sum)
  expect(sums[0]).toBeGreaterThan(0)
  for (const one of sums) expect(Math.abs(one / sums[0] - 1)).toBeLessThan(1e-12)
})

it('the last layers, worked out by hand', () => {
  const { network, scoring } = networkOn(fast, {
    ...base,
    name: 'linear',
    build: (graph, images) => linear(graph, linear(graph, flatten(graph, images), 'fc1', 3), 'fc2', 4),
  })
  const [first, second] = ['fc1.weight', 'fc2.weight'].map((name) => [...network.values(name)].map(Math.abs))
  const biases = [...network.values('fc1.bias')].map(Math.abs)
  const out = (unit: number) => sum([0, 1, 2, 3].map((k) => second[3 * k + unit]))
  const into = (unit: number) => biases[unit] + sum(first.slice(36 * unit, 36 * unit + 36))
  const [got1, got2] = scoresOf(network, scoring)
  got1.forEach((score, i) => {
    expect(score).toBeCloseTo(first[i] * out(Math.floor(i / 36)), 5)
  })
  got2.forEach((score, i) => {
    expect(score).toBeCloseTo(second[i] * into(i % 3), 5)
  })
})

it('rounds: one empties a layer, a hundred empty none, and what is left is connected', () => {
  const one = networkOn(fast, unbiased, 1)
  const { collapsed } = prune(one.network, { method: one.scoring, sparsity: 0.97 })
  expect(collapsed.length).toBeGreaterThan(0)
  const hundred = networkOn(fast, unbiased)
  const result = prune(hundred.network, { method: hundred.scoring, sparsity: 0.97 })
  expect(result.collapsed).toEqual([])
  expect(hundred.network.mask('fc2.weight').some((bit) => bit === 1)).toBe(true)
  expect(sum(scoresOf(hundred.network, hundred.scoring).flat())).toBeGreaterThan(0)
})

it.each([1e5, 1e-5])('weights times %d in twelve layers: the order of float64', (factor) => {
  const ranks = [fast, openReference()].map((machine) => {
    const { network, scoring } = networkOn(machine, deep)
    network.values('bn6.bias').fill(Math.fround(0.3 * factor ** 6))
    network.values('bn6.running_mean').fill(Math.fround(0.1 * factor ** 6))
    for (const { name } of network.parameters) {
      if (name.startsWith('bn')) continue
      const layer = Number(/\d+/.exec(name))
      // Biases grow with what they are added to, as far as float32 goes.
      const bias = layer < 8 ? factor ** layer : 0
      const values = network.values(name)
      values.set(values.map((w) => Math.fround(w * (name.endsWith('bias') ? bias : factor))))
    }
    const scores = scoresOf(network, scoring).flat()
    const total = sum(scores)
    expect(total).toBeGreaterThan(0)
    return scores.map((score) => score / total)
  })
  for (const [i, score] of ranks[0].entries()) expect(Math.abs(score / ranks[1][i] - 1)).toBeLessThan(1e-4)
})
