/** @file New statistics of batch normalizations as part of a plan: taken always, or where the loss falls. */
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import type { PruningPlan, PruningRequest } from '../../src/methods/method.ts'
import { withRefresh } from '../../src/methods/refresh.ts'
import { judgingPlaces } from '../../src/methods/samples.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { machine } from '../train/small.ts'

const model = findModel('mnist-mlp-bn')
const data = synthetic({ train: 200, test: 2 })
const request: PruningRequest = {
  model,
  data: { name: 'synthetic', samples: 200 },
  tensors: [],
  scope: 'global',
  seed: 0,
  nameOf: (setting) => setting,
}
const plain: PruningPlan = { settings: {}, network: {}, prune: () => expect.fail('nothing is pruned here') }

it('auto: the statistics with the lower loss stay, to the bit where those are the old ones', () => {
  const plan = withRefresh(plain, 'auto', request)
  const network = new Network({ machine, model, data, batch: 1, ...plan.network })
  const buffers = network.stored.filter(({ role }) => role === 'buffer').map(({ name }) => network.values(name))
  const judges = judgingPlaces(200, 0).map((place) => network.indices.train[place])
  const always = withRefresh(plain, 200, request)
  const other = new Network({ machine, model, data, batch: 1, ...always.network })
  always.refresh!(other)
  const fitting = other.stored.flatMap(({ name, role }) => (role === 'buffer' ? [other.values(name).slice()] : []))
  const outcomes = new Set<boolean>()
  for (let seed = 0; seed < 12; seed++) {
    const draw = random(seed, 'statistics')
    // Near the right ones, some are better on the samples that judge.
    const spread = seed % 2 === 0 ? 0.02 : 2
    buffers.forEach((values, i) => void values.set(fitting[i].map((x) => x * Math.exp(spread * draw.normal()))))
    const old = buffers.map((values) => values.slice())
    const { images, before, after, taken } = plan.refresh!(network)
    expect(images).toBe(200)
    expect(taken).toBe(after < before)
    expect(network.evaluateTraining(judges).loss).toBe(Math.min(before, after))
    buffers.forEach((values, i) => void expect([...values]).toEqual([...(taken ? fitting[i] : old[i])]))
    outcomes.add(taken)
  }
  expect(outcomes.size).toBe(2)
})

it('a number: always taken; none, and auto without a normalization: the plan as it was', () => {
  expect(withRefresh(plain, 'none', request)).toBe(plain)
  expect(withRefresh(plain, 'auto', { ...request, model: findModel('lenet-300-100') })).toBe(plain)
  const plan = withRefresh(plain, 40, request)
  const network = new Network({ machine, model, data, batch: 1, ...plan.network })
  for (const { name, role } of network.stored) if (role === 'buffer') network.values(name).fill(1)
  expect(plan.refresh!(network)).toMatchObject({ images: 40, taken: true })
})
