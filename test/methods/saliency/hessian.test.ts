/**
 * @file Products with the Hessian against finite differences of gradients, in float64; the engine against the
 * reference machine.
 */
import { describe, expect, it } from 'vitest'
import type { Machine } from '../../../src/engine/machine.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import type { SaliencyName } from '../../../src/methods/saliency/index.ts'
import { LossGradients } from '../../../src/methods/saliency/scoring/gradients.ts'
import { Scoring, type ScoringOptions } from '../../../src/methods/saliency/scoring/scoring.ts'
import { Network } from '../../../src/train/network.ts'
import { random } from '../../../src/util/random.ts'
import { smallConv, smallImages, stirBatchNorm } from '../../support/small-conv.ts'
import { machine as fast } from '../../train/small.ts'

const reference = openReference()
/** All training samples, so that what is drawn does not matter. */
const ALL = 24
const samples = Uint32Array.from({ length: ALL }, (_, i) => i)
const STEP = 1e-6

function networkOn(machine: Machine, programs: object): Network {
  const network = new Network({ machine, model: smallConv, data: smallImages(), batch: 8, programs: { ...programs } })
  for (const { name } of network.parameters) network.values(name).set(Float32Array.from(network.values(name)))
  stirBatchNorm(network)
  return network
}

function scored(machine: Machine, options: ScoringOptions): { network: Network; scores: number[] } {
  const scoring = new Scoring({ samples: ALL, ...options })
  const network = networkOn(machine, scoring.programs)
  const layers = network.layers().map((layer) => ({ ...layer, weights: network.values(layer.name) }))
  scoring.score(network, layers, { seed: 0, event: 0, round: 0 })
  return { network, scores: layers.flatMap(({ scores }) => Array.from(scores)) }
}

/**
 * The gradient of the loss (logits divided by a temperature) as a function of the weights; one view per
 * tensor.
 */
function gradientFunction(temperature: number, all = false) {
  const settings = { samples: ALL, miniBatch: 1, batchNorm: 'eval', temperature } as const
  const gradients = new LossGradients(settings, { all })
  const network = networkOn(reference, gradients.programs)
  const gradient = () => {
    const found = gradients.measure(
      network,
      samples,
      () => random(0, ''),
      () => {},
    ).gradient!
    return [...found.values()].flatMap((values) => Array.from(values))
  }
  const weights = network.prunable.map(({ name }) => network.values(name))
  return { gradient, weights }
}

/** d f / d w for each weight, by central differences. */
function differences<T>(weights: readonly Float64Array[], f: () => T, minus: (a: T, b: T) => number): number[] {
  return weights.flatMap((tensor) =>
    Array.from(tensor, (w, i) => {
      tensor[i] = w + STEP
      const above = f()
      tensor[i] = w - STEP
      const below = f()
      tensor[i] = w
      return minus(above, below) / (2 * STEP)
    }),
  )
}

const squaredNorm = (g: readonly number[]) => g.reduce((sum, x) => sum + x * x, 0)
const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs))
function expectClose(got: readonly number[], want: readonly number[], tolerance: number): void {
  expect(largest(want)).toBeGreaterThan(0)
  expect(largest(got.map((x, i) => x - want[i])) / largest(want)).toBeLessThan(tolerance)
}

describe.each<[SaliencyName, number, boolean, number]>([
  ['grasp', 1, false, 1],
  ['grasp', 200, false, 1],
  ['grasp-ref', 1, true, -1],
])('%s at temperature %d', (method, temperature, all, sign) => {
  const { gradient, weights } = gradientFunction(temperature, all)
  // Removing a weight changes |g|^2 by - 2 w (H g) to first order.
  const slopes = differences(
    weights as Float64Array[],
    () => squaredNorm(gradient()),
    (a, b) => a - b,
  )
  const want = slopes.map((slope, i) => (sign * weights.flatMap((w) => Array.from(w))[i] * slope) / 2)

  it('equals finite differences of the squared norm of the gradient', () => {
    expectClose(scored(reference, { method, temperature }).scores, want, 1e-6)
  })
  it('on the engine', () => {
    expectClose(scored(fast, { method, temperature }).scores, want, 2e-4)
  })
})

it('grasp divides logits by 200 unless it is told otherwise; with the statistics of mini-batches it is another score', () => {
  const usual = scored(reference, { method: 'grasp' }).scores
  expect(usual).toEqual(scored(reference, { method: 'grasp', temperature: 200 }).scores)
  const { scores, network } = scored(fast, { method: 'grasp', batchNorm: 'train', miniBatch: 12 })
  expect(scores.every(Number.isFinite)).toBe(true)
  expect(largest(scores.map((x, i) => x - usual[i]))).toBeGreaterThan(0.1 * largest(usual))
  expect([...network.values('bn1.running_var')]).toEqual([...networkOn(fast, {}).values('bn1.running_var')])
})

describe('Hutchinson', () => {
  const temperature = 2
  const { gradient, weights } = gradientFunction(temperature)
  const rows = differences(weights as Float64Array[], gradient, () => 0).map(() => [] as number[])
  let q = 0
  differences(weights as Float64Array[], gradient, (a, b) => {
    rows[q++] = a.map((x, i) => (x - b[i]) / (2 * STEP))
    return 0
  })
  const diagonal = rows.map((row, i) => row[i])
  const w = weights.flatMap((tensor) => Array.from(tensor))
  const g = gradient()
  const PROBES = 4000

  const expected: [SaliencyName, number[], number[]][] = [
    ['hutch-diag', diagonal, w.map(() => 1)],
    ['hutch-pruning', diagonal.map((h, i) => 0.5 * h * w[i] ** 2), w.map((x) => 0.5 * x * x)],
    ['hts', diagonal.map((h, i) => Math.abs(w[i] * g[i] + 0.5 * h * w[i] ** 2)), w.map((x) => 0.5 * x * x)],
  ]

  it.each(expected)('%s: the exact diagonal, within five deviations of the estimate', (method, want, scale) => {
    const { scores } = scored(fast, { method, temperature, probes: PROBES })
    for (const [i, row] of rows.entries()) {
      const deviation = Math.sqrt((squaredNorm(row) - row[i] ** 2) / PROBES)
      expect(Math.abs(scores[i] - want[i])).toBeLessThan(scale[i] * (5 * deviation + 1e-5) + 1e-7)
    }
    const product = scores.reduce((sum, score, i) => sum + score * want[i], 0)
    expect(product / squaredNorm(want)).toBeGreaterThan(0.9)
    expect(product / squaredNorm(want)).toBeLessThan(1.1)
  })

  it('probes are reproducible by seed', () => {
    const options = { method: 'hutch-diag', probes: 2 } as const
    expect(scored(fast, options).scores).toEqual(scored(fast, options).scores)
  })
})
