/** @file Scale and shift of outputs after pruning: against moments computed from the images one by one. */
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import { once, type PruningRequest } from '../../src/methods/method.ts'
import { withRepair } from '../../src/methods/repair.ts'
import type { Model } from '../../src/models/model.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { machine } from '../train/small.ts'

const CLASSES = 4
const INPUTS = 9
const TRAIN = 150

const modelOf = (bias: boolean): Model => ({
  name: 'softmax',
  summary: 'for tests',
  image: [1, 3, 3],
  classes: CLASSES,
  build: (graph, images) => linear(graph, flatten(graph, images), 'fc', CLASSES, { bias }),
})
const data = synthetic({ image: [1, 3, 3], classes: CLASSES, train: TRAIN, test: 4, noise: 0.4 })
const inputs = (sample: number) =>
  Array.from(
    data.train.images.subarray(INPUTS * sample, INPUTS * sample + INPUTS),
    (byte) => (byte / 255 - data.mean[0]) / data.std[0],
  )

/** Mean and deviation of every output over all training images. */
function momentsOf(weights: ArrayLike<number>, bias: ArrayLike<number>) {
  const images = Array.from({ length: TRAIN }, (_, sample) => inputs(sample))
  return Array.from({ length: CLASSES }, (_, o) => {
    const outputs = images.map((x) => x.reduce((sum, v, i) => sum + v * weights[INPUTS * o + i], bias[o]))
    const mean = outputs.reduce((a, b) => a + b) / TRAIN
    return { mean, deviation: Math.sqrt(outputs.reduce((sum, z) => sum + (z - mean) ** 2, 0) / TRAIN) }
  })
}

/** A classifier by the means of classes whose weights lose two thirds, and what repairing it came to. */
function repaired(bias: boolean, seed: number) {
  const model = modelOf(bias)
  const request: PruningRequest = {
    model,
    data: { name: 'synthetic', samples: TRAIN },
    tensors: [{ name: 'fc.weight', shape: [CLASSES, INPUTS] } as never],
    scope: 'global',
    seed: 0,
    nameOf: (setting) => setting,
  }
  const draw = random(seed, 'weights that go')
  const plan = withRepair(
    {
      settings: {},
      network: {},
      prune(network) {
        network.values('fc.weight').forEach((w, q, all) => {
          all[q] = draw.uniform() < 2 / 3 && q % INPUTS > 0 ? 0 : w
        })
        if (seed === 0) network.values('fc.weight').fill(0, 0, INPUTS)
        return {} as never
      },
    },
    request,
  )
  const network = new Network({ machine, model, data, batch: 1, ...plan.network })
  const weights = network.values('fc.weight').fill(0)
  const counts = new Float64Array(CLASSES)
  for (let sample = 0; sample < TRAIN; sample++) {
    const o = data.train.labels[sample]
    counts[o]++
    inputs(sample).forEach((x, i) => {
      weights[INPUTS * o + i] += x
    })
  }
  for (let q = 0; q < weights.length; q++) weights[q] /= counts[Math.floor(q / INPUTS)]
  const shifts = bias ? network.values('fc.bias') : new Float32Array(CLASSES)
  if (bias) {
    shifts.fill(0)
    for (let q = 0; q < weights.length; q++) shifts[Math.floor(q / INPUTS)] -= weights[q] ** 2 / 2
  }
  const dense = momentsOf(weights, shifts)
  plan.prune(network, once(0.6), 0)
  const pruned = { weights: weights.slice(), shifts: shifts.slice() }
  const result = plan.refresh!(network)
  return { dense, pruned, result, weights, shifts, now: momentsOf(weights, shifts) }
}

it.each([true, false])('gives outputs their dense moments where the loss falls, with a bias: %s', (bias) => {
  const outcomes = new Set<boolean>()
  for (let seed = 1; seed < 10; seed++) {
    const { dense, pruned, result, weights, shifts, now } = repaired(bias, seed)
    outcomes.add(result.taken)
    expect(result.images).toBe(TRAIN)
    if (!result.taken) {
      expect(result.after).toBe(result.before)
      expect([...weights, ...shifts]).toEqual([...pruned.weights, ...pruned.shifts])
      continue
    }
    expect(result.after).toBeLessThan(result.before)
    expect(result.outputs).toBe(CLASSES)
    now.forEach(({ mean, deviation }, o) => {
      expect(deviation).toBeCloseTo(dense[o].deviation, 4)
      if (bias) expect(mean).toBeCloseTo(dense[o].mean, 4)
    })
    weights.forEach((w, q) => void expect(w === 0).toBe(pruned.weights[q] === 0))
  }
  expect(outcomes).toContain(true)
})

it('leaves an output alone that no longer varies', () => {
  const { result, weights, now } = repaired(false, 0)
  expect([...weights.subarray(0, INPUTS)]).toEqual(Array(INPUTS).fill(0))
  expect(now.every(({ mean, deviation }) => Number.isFinite(mean) && Number.isFinite(deviation))).toBe(true)
  if (result.taken) expect(result.outputs).toBe(CLASSES - 1)
})
