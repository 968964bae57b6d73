import { expect, it, vi } from 'vitest'
import type { Network } from '../../src/train/network.ts'
import { type EpochResult, type StepProgress, type TrainOptions, train } from '../../src/train/train.ts'
import { UserError } from '../../src/util/errors.ts'
import { dataOf, smallNetwork, stateOf } from './small.ts'

const options: TrainOptions = { epochs: 3, schedule: { kind: 'constant', base: 0.1 }, optimizer: { momentum: 0.9 } }

/** Trains and returns the samples of every step. */
async function samplesOf(network: Network, seed = 0): Promise<number[][]> {
  const step = vi.spyOn(network, 'step')
  await train(network, { ...options, seed })
  return step.mock.calls.map(([samples]) => Array.from(samples))
}

it('an epoch is every training sample once, the last batch the rest of them', async () => {
  const network = smallNetwork({ validation: 7 })
  const steps = await samplesOf(network)
  expect(steps.map(({ length }) => length)).toEqual([16, 16, 11, 16, 16, 11, 16, 16, 11])
  for (let epoch = 0; epoch < 3; epoch++) {
    const samples = steps.slice(3 * epoch, 3 * epoch + 3).flat()
    expect(samples.toSorted((a, b) => a - b)).toEqual([...network.indices.train])
  }
})

it('the order is another in every epoch, and decided by the seed', async () => {
  const [steps, again, other] = [
    await samplesOf(smallNetwork()),
    await samplesOf(smallNetwork()),
    await samplesOf(smallNetwork(), 1),
  ]
  expect(steps).toEqual(again)
  expect(steps[0]).not.toEqual(other[0])
  expect(steps[0]).not.toEqual(steps[4])
})

it('an epoch reports the means over its samples', async () => {
  const network = smallNetwork()
  const step = vi.spyOn(network, 'step')
  const epochs: EpochResult[] = []
  const schedule = { kind: 'steps', base: 0.1, drops: [5], factor: 0.5 } as const
  await train(network, { ...options, schedule, onEpoch: (epoch) => epochs.push(epoch) })
  expect(epochs.map(({ epoch, step: taken, learningRate }) => [epoch, taken, learningRate])).toEqual([
    [1, 4, 0.1],
    [2, 8, 0.05],
    [3, 12, 0.05],
  ])
  const results = step.mock.results.slice(4, 8).map(({ value }) => value as { loss: number; correct: number })
  const sizes = [16, 16, 16, 2]
  const loss = results.reduce((sum, result, i) => sum + result.loss * sizes[i], 0) / 50
  expect(epochs[1].trainLoss).toBeCloseTo(loss, 12)
  expect(epochs[1].trainAccuracy).toBe(results.reduce((sum, { correct }) => sum + correct, 0) / 50)
})

it('calls hooks, then the epoch, then the step; hooks also before the first step', async () => {
  const calls: string[] = []
  await train(smallNetwork({ batch: 25 }), {
    ...options,
    epochs: 2,
    hooks: [{ atStep: (step) => calls.push(`hook ${step}`) }],
    onEpoch: ({ epoch }) => calls.push(`epoch ${epoch}`),
    onStep: ({ step, sums }) => calls.push(`step ${step} (${sums.samples})`),
  })
  expect(calls.join(', ')).toBe(
    'hook 0, hook 1, step 1 (25), hook 2, epoch 1, step 2 (0), hook 3, step 3 (25), hook 4, epoch 2, step 4 (0)',
  )
})

it('learns: the loss falls and unseen samples are recognized', async () => {
  const network = smallNetwork({ data: dataOf({ noise: 0.2 }) })
  const epochs: EpochResult[] = []
  await train(network, { ...options, epochs: 10, onEpoch: (epoch) => epochs.push(epoch) })
  expect(epochs[0].trainLoss).toBeGreaterThan(0.5)
  expect(epochs[9].trainLoss).toBeLessThan(0.05)
  expect(network.evaluate('test').accuracy).toBeGreaterThan(0.9)
})

it.each([0, 1, 4, 6, 11])('stopped after %i steps and resumed, it ends the same', async (stop) => {
  const whole = smallNetwork()
  const expected: EpochResult[] = []
  await train(whole, { ...options, onEpoch: (epoch) => expected.push(epoch) })

  const network = smallNetwork()
  const epochs: EpochResult[] = []
  const controller = new AbortController()
  const hooked: number[] = []
  let last: StepProgress | undefined
  if (stop === 0) controller.abort()
  const both = {
    ...options,
    hooks: [{ atStep: (step: number) => hooked.push(step) }],
    onEpoch: (epoch: EpochResult) => epochs.push(epoch),
  }
  const taken = await train(network, {
    ...both,
    signal: controller.signal,
    onStep(progress) {
      last = progress
      if (progress.step === stop) controller.abort()
    },
  })
  expect(taken).toBe(stop)
  expect(await train(network, { ...both, resumeAt: stop, epochSoFar: last?.sums })).toBe(12)
  expect(stateOf(network)).toEqual(stateOf(whole))
  expect(epochs).toEqual(expected)
  expect(hooked).toEqual(Array.from({ length: 13 }, (_, step) => step))
})

it('resuming a finished run does nothing', async () => {
  const network = smallNetwork()
  const before = stateOf(network)
  expect(await train(network, { ...options, resumeAt: 12 })).toBe(12)
  expect(stateOf(network)).toEqual(before)
})

it('a signal that arrives between steps is served', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 100)
  const taken = await train(smallNetwork(), { ...options, epochs: 1_000_000, signal: controller.signal })
  expect(taken).toBeGreaterThan(0)
})

it('divergence is one sentence', async () => {
  const diverge = train(smallNetwork(), { ...options, schedule: { kind: 'constant', base: 1e30 } })
  await expect(diverge).rejects.toThrow(UserError)
  await expect(diverge).rejects.toThrow(
    /^the loss became (NaN|Infinity) at step \d+ \(learning rate 1e\+30\): a smaller learning rate may help$/,
  )
})
