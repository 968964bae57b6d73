/** @file Every score equals its formula with gradients that are taken sample by sample, in float64. */
import { describe, expect, it } from 'vitest'
import type { Machine } from '../../../src/engine/machine.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { differentiate } from '../../../src/graph/differentiate.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { mul } from '../../../src/graph/operators/elementwise.ts'
import { sampleCrossEntropy } from '../../../src/graph/operators/loss.ts'
import { reduceMean } from '../../../src/graph/operators/mean.ts'
import { Scoring, type ScoringOptions } from '../../../src/methods/saliency/scoring/scoring.ts'
import { drawBalanced } from '../../../src/methods/samples.ts'
import { Network } from '../../../src/train/network.ts'
import type { Forward } from '../../../src/train/options.ts'
import { BatchNormRefresh } from '../../../src/train/refresh-batch-norm.ts'
import { random } from '../../../src/util/random.ts'
import { smallConv, smallImages, stirBatchNorm } from '../../support/small-conv.ts'
import { machine as fast } from '../../train/small.ts'

const reference = openReference()
const TRAIN = 24

/** The mean loss of `size` samples and its gradients, as outputs by name. */
const gradientsOf = (size: number, temperature = 1, training = false) => ({
  [`alone/${size}`]: (forward: Forward) => {
    const pass = forward(size, training)
    const logits = mul(pass.graph, pass.logits, pass.graph.constant(1 / temperature))
    const loss = reduceMean(pass.graph, sampleCrossEntropy(pass.graph, logits, pass.labels!), [0], 0)
    const weights = prunableParameters(pass.graph)
    const { graph, gradients } = differentiate(pass.graph, loss, weights)
    for (const [i, gradient] of gradients.entries()) graph.output(weights[i].name, gradient)
    return graph
  },
})

function networkOn(machine: Machine, programs = {}): Network {
  const network = new Network({ machine, model: smallConv, data: smallImages(), batch: 8, programs })
  for (const { name } of network.parameters) network.values(name).set(Float32Array.from(network.values(name)))
  stirBatchNorm(network)
  return network
}

const flat = (network: Network, values: (name: string) => ArrayLike<number>) =>
  network.prunable.flatMap(({ name }) => Array.from(values(name)))
const weightsOf = (network: Network) => flat(network, (name) => network.values(name))

/** The gradient of the mean loss of some samples, all tensors in a row. */
function gradient(network: Network, samples: ArrayLike<number>): number[] {
  const program = `alone/${samples.length}`
  network.executable.write(program, 'index', samples)
  network.executable.run(program)
  return flat(network, (name) => network.executable.read(program, name))
}

function scoresOf(network: Network, scoring: Scoring, round = 0): number[] {
  const layers = network.layers().map((layer) => ({ ...layer, weights: network.values(layer.name) }))
  scoring.score(network, layers, { seed: 5, event: 2, round })
  return layers.flatMap(({ scores }) => Array.from(scores))
}

/** The samples that scoring draws. */
const drawn = (network: Network, method: string, samples: number) =>
  drawBalanced(
    network.indices.train,
    network.data.train.labels,
    samples,
    random(5, 'saliency', method, 'samples', 2, 0),
  )

/** Largest difference relative to the largest value. */
function expectClose(got: readonly number[], want: readonly number[], tolerance: number): void {
  const largest = Math.max(...want.map(Math.abs))
  expect(largest).toBeGreaterThan(0)
  const difference = Math.max(...got.map((x, i) => Math.abs(x - want[i])))
  expect(difference / largest).toBeLessThan(tolerance)
}

const mean = (rows: readonly number[][], weights = rows.map(() => 1 / rows.length)) =>
  rows[0].map((_, i) => rows.reduce((sum, row, r) => sum + weights[r] * row[i], 0))
const squared = (row: readonly number[]) => row.map((x) => x * x)

/** From the weight, the mean gradient, the mean square and the size of a mini-batch. */
const formulas: [ScoringOptions, (w: number, g: number, F: number, B: number) => number][] = [
  [{ method: 'grad-norm' }, (_w, g) => Math.abs(g)],
  [{ method: 'snip' }, (w, g) => Math.abs(w * g)],
  [{ method: 'iter-snip' }, (w, g) => Math.abs(w * g)],
  [{ method: 'force' }, (w, g) => Math.abs(w * g)],
  [{ method: 'fisher-diagonal' }, (_w, _g, F) => F],
  [{ method: 'fisher-pruner' }, (w, _g, F) => 0.5 * w * w * F],
  [{ method: 'fts' }, (w, g, F, B) => Math.abs(w * g + 0.5 * B * w * w * F)],
  [{ method: 'fts', sign: '-' }, (w, g, F, B) => Math.abs(-w * g + 0.5 * B * w * w * F)],
  [{ method: 'fbss' }, (w, g, F, B) => (F === 0 ? 0 : 0.5 * B * F * (w - g / (B * F)) ** 2)],
]

describe.each([
  ['reference', reference, 1e-10],
  ['native', fast, 2e-5],
] as const)('%s', (_, machine, tolerance) => {
  it.each(formulas)('%o, single samples, statistics given', (options, formula) => {
    const scoring = new Scoring({ ...options, samples: 20 })
    const network = networkOn(machine, scoring.programs)
    const exact = networkOn(reference, gradientsOf(1))
    const rows = Array.from(drawn(network, options.method, 20), (sample) => gradient(exact, [sample]))
    const [g, F] = [mean(rows), mean(rows.map(squared))]
    const want = weightsOf(exact).map((w, i) => formula(w, g[i], F[i], 1))
    expectClose(scoresOf(network, scoring), want, tolerance)
  })

  it.each(formulas)('%o, mini-batches of 8, the last of 4', (options, formula) => {
    const scoring = new Scoring({ ...options, samples: 20, miniBatch: 8, temperature: 0.5 })
    const network = networkOn(machine, scoring.programs)
    const exact = networkOn(reference, { ...gradientsOf(8, 0.5), ...gradientsOf(4, 0.5) })
    const samples = drawn(network, options.method, 20)
    const rows = [0, 8, 16].map((at) => gradient(exact, samples.subarray(at, at + 8)))
    const shares = [0.4, 0.4, 0.2]
    const [g, F] = [mean(rows, shares), mean(rows.map(squared), shares)]
    const want = weightsOf(exact).map((w, i) => formula(w, g[i], F[i], 8))
    expectClose(scoresOf(network, scoring), want, tolerance)
  })

  it('batchNorm train: gradients of mini-batches that are normalized by themselves; nothing is updated', () => {
    const scoring = new Scoring({ method: 'fts', samples: 20, miniBatch: 8, batchNorm: 'train' })
    const network = networkOn(machine, scoring.programs)
    const exact = networkOn(reference, { ...gradientsOf(8, 1, true), ...gradientsOf(4, 1, true) })
    const samples = drawn(network, 'fts', 20)
    const rows = [0, 8, 16].map((at) => gradient(exact, samples.subarray(at, at + 8)))
    const [g, F] = [mean(rows, [0.4, 0.4, 0.2]), mean(rows.map(squared), [0.4, 0.4, 0.2])]
    const want = weightsOf(exact).map((w, i) => Math.abs(w * g[i] + 4 * w * w * F[i]))
    const before = network.stored.map(({ name }) => [...network.values(name)])
    expectClose(scoresOf(network, scoring), want, tolerance)
    expect(network.stored.map(({ name }) => [...network.values(name)])).toEqual(before)
  })

  it('batchNorm refreshed: as if the statistics were those of the scoring samples, which are then put back', () => {
    const scoring = new Scoring({ method: 'fts', samples: 20, batchNorm: 'refreshed' })
    const network = networkOn(machine, scoring.programs)
    const samples = drawn(network, 'fts', 20)
    const refresh = new BatchNormRefresh(20)
    const exact = networkOn(reference, { ...gradientsOf(1), ...refresh.programs })
    refresh.run(exact, samples)
    const rows = Array.from(samples, (sample) => gradient(exact, [sample]))
    const [g, F] = [mean(rows), mean(rows.map(squared))]
    const want = weightsOf(exact).map((w, i) => Math.abs(w * g[i] + 0.5 * w * w * F[i]))
    const before = network.stored.map(({ name }) => [...network.values(name)])
    expectClose(scoresOf(network, scoring), want, 10 * tolerance)
    expect(network.stored.map(({ name }) => [...network.values(name)])).toEqual(before)
  })
})

it('many samples in several runs: the same as with all training samples at once', () => {
  const data = smallImages({ train: 230 })
  const scoring = new Scoring({ method: 'fisher-diagonal', samples: 230 })
  const programs = { ...scoring.programs, ...gradientsOf(1) }
  const network = new Network({ machine: fast, model: smallConv, data, batch: 8, programs })
  expect(scoring.runs).toBe(3)
  const rows = Array.from({ length: 230 }, (_, sample) => gradient(network, [sample]))
  expectClose(scoresOf(network, scoring), mean(rows.map(squared)), 1e-4)
})

it.each([1, 7])('at most %i at once: as many runs, and the same scores', (atOnce) => {
  const scoring = new Scoring({ method: 'fts', samples: 20, atOnce })
  const programs = { ...scoring.programs, ...gradientsOf(1) }
  const network = networkOn(fast, programs)
  expect(scoring.runs).toBe(Math.ceil(20 / atOnce))
  const whole = new Scoring({ method: 'fts', samples: 20 })
  expectClose(scoresOf(network, scoring), scoresOf(networkOn(fast, whole.programs), whole), 1e-5)
})

it('fbss: a weight whose gradients are all 0 scores 0', () => {
  const scoring = new Scoring({ method: 'fbss', samples: 10 })
  const network = networkOn(fast, scoring.programs)
  // The second output channel of conv1 is switched off.
  network.values('bn1.weight')[1] = 0
  network.values('bn1.bias')[1] = -1
  const scores = scoresOf(network, scoring)
  expect(scores.slice(9, 18)).toEqual(new Array(9).fill(0))
  expect(scores.slice(0, 9).every((score) => score > 0)).toBe(true)
})

it('samples are drawn by seed, event and round, every class with the same share', () => {
  const network = networkOn(fast)
  const labels = network.data.train.labels!
  const draw = (name: string) => drawBalanced(network.indices.train, labels, 10, random(0, name))
  const samples = draw('a')
  expect(new Set(samples).size).toBe(10)
  const perClass = [0, 1, 2, 3].map((label) => samples.filter((i) => labels[i] === label).length)
  expect(perClass.sort()).toEqual([2, 2, 3, 3])
  expect(draw('a')).toEqual(samples)
  expect(draw('b')).not.toEqual(samples)
  expect([...drawBalanced(network.indices.train, labels, TRAIN, random(0, 'a'))].sort((a, b) => a - b)).toEqual([
    ...network.indices.train,
  ])
})
