import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { gradualPruning } from '../../src/methods/prune.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { type PruningSchedule, pruningEvents } from '../../src/sparsity/schedule.ts'
import type { ScopeName } from '../../src/sparsity/scope.ts'
import { type Hook, train } from '../../src/train/train.ts'
import { machine as fast, smallNetwork } from '../train/small.ts'

const schedule: PruningSchedule = { kind: 'cubic', sparsity: 0.95, start: 2, end: 10, every: 2 }
const events = pruningEvents(schedule)
const optimizers = [
  { momentum: 0.9 },
  { momentum: 0.9, nesterov: true },
  { momentum: 0.9, nesterov: true, weightDecay: 0.01 },
  { weightDecay: 0.01 },
]

describe.each([fast, openReference()])('$description', (machine) => {
  it.each(optimizers)('%o: after every step exactly the kept weights are not zero', async (optimizer) => {
    const network = smallNetwork({ machine })
    let checked = 0
    const check: Hook = {
      atStep(step) {
        const last = events.findLast((event) => event.step <= step)
        const masked = network.prunable.map(({ name }) => ({
          mask: network.mask(name),
          weights: network.values(name),
          momentum: network.momentum(name),
        }))
        const nonzeros = masked.reduce((sum, { weights }) => sum + weights.filter((w) => w !== 0).length, 0)
        expect(nonzeros, `step ${step}`).toBe(keptCount(428, last?.sparsity ?? 0))
        for (const { mask, weights, momentum } of masked)
          mask.forEach((bit, i) => {
            if (bit === 0) expect([weights[i], momentum[i]], `step ${step}`).toEqual([0, 0])
          })
        checked++
      },
    }
    await train(network, {
      epochs: 4,
      optimizer,
      hooks: [gradualPruning({ schedule }), check],
      schedule: { kind: 'constant', base: 0.05 },
    })
    expect(checked).toBe(17)
    expect(network.counts().reduce((sum, { kept }) => sum + kept, 0)).toBe(keptCount(428, 0.95))
  })
})

it.each<ScopeName>(['global', 'layerwise', 'erk'])('%s: the network keeps learning under its masks', async (scope) => {
  const network = smallNetwork()
  const pruning = gradualPruning({ scope, schedule: { ...schedule, sparsity: 0.6 } })
  const losses: number[] = []
  await train(network, {
    epochs: 40,
    hooks: [pruning],
    optimizer: { momentum: 0.9 },
    schedule: { kind: 'constant', base: 0.05 },
    onEpoch: ({ trainLoss }) => losses.push(trainLoss),
  })
  expect(losses.at(-1)).toBeLessThan(losses[2] / 3)
  network.assertMasked()
})

it('tells of every event: before it, whether it is the first; after it, what is left', async () => {
  const calls: string[] = []
  const pruning = gradualPruning({
    schedule,
    before: (step, first) => calls.push(`${step}${first ? ' first' : ''}`),
    after: (step, target, { sparsity }) => {
      const event = events.find((e) => e.step === step)
      expect(target).toBe(event?.sparsity)
      expect(sparsity).toBe(1 - keptCount(428, target) / 428)
      calls.push(`${step} done`)
    },
  })
  await train(smallNetwork(), { epochs: 4, hooks: [pruning], schedule: { kind: 'constant', base: 0.05 } })
  expect(calls.join(', ')).toBe('2 first, 2 done, 4, 4 done, 6, 6 done, 8, 8 done, 10, 10 done')
})
