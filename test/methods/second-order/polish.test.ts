import { describe, expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { type MethodName, methods } from '../../../src/methods/index.ts'
import type { Method, PruningRequest } from '../../../src/methods/method.ts'
import { pruneBy } from '../../../src/methods/prune-by.ts'
import { judgingPlaces } from '../../../src/methods/samples.ts'
import { Polisher } from '../../../src/methods/second-order/polish.ts'
import { findModel } from '../../../src/models/index.ts'
import type { Model } from '../../../src/models/model.ts'
import { countKept } from '../../../src/sparsity/mask.ts'
import { chooseTensors } from '../../../src/sparsity/tensors.ts'
import { weightsOf } from '../../../src/train/checkpoint.ts'
import { Network } from '../../../src/train/network.ts'
import { train } from '../../../src/train/train.ts'
import { random } from '../../../src/util/random.ts'
import { solveDense } from '../../support/dense.ts'
import { dataOf, machine, model } from '../../train/small.ts'

const requestFor = (of: Model, samples: number, rest: Partial<PruningRequest> = {}): PruningRequest => ({
  model: of,
  data: { name: 'synthetic', samples },
  tensors: chooseTensors(of, { prunable: 'published' }),
  scope: 'global',
  seed: 0,
  nameOf: (setting) => setting,
  ...rest,
})

/** Softmax regression, whose sample gradients are (p - y) x'. */
const softmax: Model = {
  name: 'softmax',
  summary: 'for tests',
  image: [1, 3, 3],
  classes: 4,
  build: (graph, images) => linear(graph, flatten(graph, images), 'fc', 4, { bias: false }),
}

describe('a round', () => {
  const data = synthetic({ image: softmax.image, classes: 4, train: 60, test: 4, noise: 0.7 })
  const request = requestFor(softmax, 60)
  const polisher = new Polisher(request)
  const network = new Network({ machine, model: softmax, data, batch: 1, ...polisher.network({}) })
  const judging = judgingPlaces(60, 0)
  const x = (sample: number) =>
    Array.from(
      data.train.images.subarray(9 * sample, 9 * sample + 9),
      (byte) => (byte / 255 - data.mean[0]) / data.std[0],
    )
  /** p, and the loss of a sample. */
  const forward = (w: ArrayLike<number>, sample: number) => {
    const inputs = x(sample)
    const logits = [0, 1, 2, 3].map((o) => inputs.reduce((sum, v, i) => sum + w[9 * o + i] * v, 0))
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
    const p = logits.map((z) => Math.exp(z) / total)
    return { p, inputs, loss: -Math.log(p[data.train.labels[sample]]) }
  }
  const lossOn = (w: ArrayLike<number>, samples: Iterable<number>) => {
    const losses = Array.from(samples, (sample) => forward(w, sample).loss)
    return losses.reduce((a, b) => a + b) / losses.length
  }

  it('is the best of the damped natural gradient steps by the loss of the samples that judge, zeros aside', () => {
    const draw = random(1, 'weights')
    network.mask('fc.weight').set(Float32Array.from({ length: 36 }, (_, q) => Number(q % 3 !== 0)))
    network.values('fc.weight').set(Float32Array.from({ length: 36 }, () => draw.normal()))
    network.applyMasks()
    const before = Array.from(network.values('fc.weight'))
    const kept = [...before.keys()].filter((q) => q % 3 !== 0)
    const others = Array.from({ length: 60 }, (_, n) => n).filter((n) => !judging.includes(n))
    const gradients = others.map((sample) => {
      const { p, inputs } = forward(before, sample)
      return kept.map(
        (q) => (p[Math.floor(q / 9)] - Number(Math.floor(q / 9) === data.train.labels[sample])) * inputs[q % 9],
      )
    })
    const n = gradients.length
    const mean = kept.map((_, a) => gradients.reduce((sum, g) => sum + g[a], 0) / n)
    const tries = [1e-3, 1e-2, 1e-1].flatMap((lambda) => {
      const system = kept.map((_, a) =>
        kept.map((_, b) => gradients.reduce((sum, g) => sum + g[a] * g[b], 0) / n + (a === b ? lambda : 0)),
      )
      const change = solveDense(
        system,
        mean.map((g) => [g]),
      ).map(([delta]) => delta)
      return [0.03, 0.1, 0.3, 1].map((share) => {
        const w = before.slice()
        kept.forEach((q, a) => {
          w[q] -= share * change[a]
        })
        return { w, loss: lossOn(w, judging) }
      })
    })
    const best = tries.reduce((a, b) => (b.loss < a.loss ? b : a))
    const { rounds, gradients: taken, before: from, after } = polisher.run(network, 1)
    expect([rounds, taken]).toEqual([1, 30])
    expect(from).toBeCloseTo(lossOn(before, judging), 5)
    expect(after).toBeCloseTo(best.loss, 4)
    network.values('fc.weight').forEach((w, q) => {
      if (q % 3 === 0) expect(w).toBe(0)
      else expect(Math.abs(w - best.w[q])).toBeLessThan(1e-3)
    })
  })
})

it('lowers the loss after OBC, keeps its masks but for weights without influence, and ends by itself', async () => {
  const data = dataOf({ train: 400, noise: 0.8 })
  const options = { machine, model, data, sparsity: 0.75 }
  const [plain, polished] = await Promise.all(
    [0, 200].map((polish) => pruneBy('obc', { ...options, settings: { polish } })),
  )
  expect(plain.result.polished).toBeUndefined()
  const { rounds, gradients, respent, before, after } = polished.result.polished!
  expect(rounds).toBeGreaterThan(1)
  expect(gradients).toBeLessThan(200 * 200)
  expect(gradients % 200).toBe(0)
  expect(after).toBeLessThan(0.97 * before)
  const judges = judgingPlaces(400, 0).map((place) => polished.network.indices.train[place])
  expect(polished.network.evaluateTraining(judges).loss).toBeCloseTo(after, 6)
  let [gone, grown] = [0, 0]
  for (const { name } of plain.network.prunable) {
    const before = plain.network.mask(name)
    polished.network.mask(name).forEach((kept, q) => {
      if (kept < before[q]) gone++
      if (kept > before[q]) grown++
    })
    polished.network.mask(name).forEach((kept, q) => {
      if (kept === 0) expect(polished.network.values(name)[q]).toBe(0)
    })
  }
  expect([gone, grown]).toEqual([respent, respent])
})

it.each([
  [6, 0, 0.8],
  [12, 1, 0.6],
])(
  'of %i samples, too few to tell what has no influence, it leaves the network as it was',
  async (count, seed, sparsity) => {
    const data = dataOf({ train: count, noise: 0.3, seed })
    const network = new Network({ machine, model, data, batch: Math.min(8, count), seed })
    await train(network, { epochs: 40, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
    const options = { machine, model, data, sparsity, weights: weightsOf(network), source: 'trained' }
    const [plain, polished] = await Promise.all(
      [0, 10].map((polish) => pruneBy('obc', { ...options, settings: { polish } })),
    )
    const { rounds, respent, before, after, gradients } = polished.result.polished!
    expect(gradients).toBeGreaterThan(0)
    expect([rounds, respent, after]).toEqual([0, 0, before])
    for (const { name } of network.prunable)
      for (const of of ['mask', 'values'] as const)
        expect([...polished.network[of](name)], name).toEqual([...plain.network[of](name)])
  },
)

const polishOf = async (name: MethodName, settings: object, rest: Partial<PruningRequest> = {}, of = model) =>
  (await (methods[name] as Method).plan(settings, requestFor(of, 100, rest))).settings.polish

it('is usual after second-order and layerwise methods, unless published code is followed or training follows', async () => {
  expect(await polishOf('obc', {})).toBe(30)
  expect(await polishOf('cbs-update', { samples: 20, judge: 20 })).toBe(30)
  expect(await polishOf('obc', {}, {}, findModel('resnet20'))).toBe(5)
  expect(await polishOf('obc', {}, { trained: true })).toBeUndefined()
  expect(await polishOf('cbs-update', { samples: 20, judge: 20, faithful: true })).toBeUndefined()
  expect(await polishOf('obc', { polish: 0 })).toBeUndefined()
  expect(await polishOf('obc', { polish: 4 }, { trained: true })).toBe(4)
  expect(await polishOf('magnitude', {})).toBeUndefined()
  expect(await polishOf('snip', { samples: 20, polish: 3 })).toBe(3)
})

describe('OBC in stages', () => {
  const data = dataOf({ train: 400, noise: 0.8 })
  const prune = (settings: object) => pruneBy('obc', { machine, model, data, sparsity: 0.95, settings })

  it('keeps exactly as many weights, with a lower loss, and counts the rounds between', async () => {
    const [once, staged] = await Promise.all(
      [
        { stages: 1, polish: 3 },
        { stages: 4, polish: 3 },
      ].map(prune),
    )
    for (const { network } of [once, staged])
      expect(network.prunable.reduce((sum, { name }) => sum + countKept(network.mask(name)), 0)).toBe(21)
    expect(staged.result.polished!.before).toBeLessThan(once.result.polished!.before)
    expect(once.result.polished!.gradients).toBe(200 * 3)
    expect(staged.result.polished!.gradients).toBeGreaterThan(200 * 3)
    expect(staged.result.polished!.gradients).toBeLessThanOrEqual(200 * (3 * 4 + 3))
  })

  it('is usual beyond 90 % on linear networks, unless nothing is polished', async () => {
    const [usual, staged, plain, once] = await Promise.all(
      [{ polish: 2 }, { stages: 3, polish: 2 }, { polish: 0 }, { stages: 1, polish: 0 }].map(prune),
    )
    const weights = ({ network }: typeof usual) => network.prunable.map(({ name }) => [...network.values(name)])
    expect(weights(usual)).toEqual(weights(staged)) // 10 %, 7.1 %, 5 %: each stage removes less than two fifths.
    expect(weights(plain)).toEqual(weights(once))
    expect(weights(usual)).not.toEqual(weights(once))
  })
})
