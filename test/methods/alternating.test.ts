/**
 * @file Alternating sparse and dense phases (AC/DC) beside what a phase is by definition: the largest weights
 * at its beginning, or all of them, with those that return at zero and without momentum.
 */
import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { gradualPruning } from '../../src/methods/prune.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { type Kernels, kernelKinds } from '../../src/train/kernels.ts'
import type { Network } from '../../src/train/network.ts'
import { type Hook, train } from '../../src/train/train.ts'
import { smallNetwork } from '../train/small.ts'

const RATE = 0.2
const SPARSITY = 0.8
const KEPT = keptCount(428, SPARSITY)
/** Sparse from steps 4, 24 and 44 on, dense from 14 and 34 on. */
const schedule = { kind: 'alternating', sparsity: SPARSITY, start: 4, end: 44, every: 10 } as const

const copies = (network: Network, of: (name: string) => ArrayLike<number>) =>
  network.prunable.flatMap(({ name }) => [...Float64Array.from(of(name))])
const weights = (network: Network) => copies(network, (name) => network.weights.whole(name))
const momenta = (network: Network) => copies(network, (name) => network.weights.whole(name, `${name}.momentum`))

/** Zeros and ones: the `KEPT` weights of the largest magnitude. */
function largest(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b)
  const chosen = new Set(order.slice(0, KEPT))
  return values.map((_, i) => (chosen.has(i) ? 1 : 0))
}

/** Trains on the reference machine and looks at the network before and after every event. */
async function trained(kernels: Kernels) {
  const network = smallNetwork({ machine: openReference(), kernels, denseGradients: true })
  const seen = new Map<string, { weights: number[]; momenta: number[]; biases: number[]; sparse: number }>()
  const look = (when: string): Hook => ({
    atStep(step) {
      const biases = [...network.momentum('fc1.bias')]
      const sparse = network.prunable.filter(({ name }) => network.weights.isSparse(name)).length
      seen.set(`${when} ${step}`, { weights: weights(network), momenta: momenta(network), biases, sparse })
    },
  })
  const told: string[] = []
  const pruning = gradualPruning({
    schedule,
    before: (step, whole) => told.push(`${step} ${whole ? 'whole' : 'pruned'}`),
    after: (_, target, result) => told.push(`${target} ${result.sparsity.toFixed(3)}`),
  })
  await train(network, {
    epochs: 12,
    optimizer: { momentum: 0.9 },
    schedule: { kind: 'constant', base: RATE },
    hooks: [look('before'), pruning, look('after')],
  })
  network.assertMasked()
  return { network, seen, told }
}

describe.each(kernelKinds)('on %s kernels', (kernels) => {
  it('sparse phases have the largest weights of their beginning, dense ones bring the others back from zero', async () => {
    const { seen, told } = await trained(kernels)
    expect(told).toEqual(
      ['4 whole', '14 pruned', '24 whole', '34 pruned', '44 whole'].flatMap((text, i) => [
        text,
        i % 2 === 0 ? '0.8 0.799' : '0 0.000',
      ]),
    )
    const masks = [4, 24, 44].map((step) => {
      const { weights: before } = seen.get(`before ${step}`)!
      // A hidden unit that has lost all its weights gets no gradient if its bias is below 0.
      expect(before.filter((w) => w !== 0).length).toBeGreaterThan(2 * KEPT)
      const mask = largest(before)
      expect(seen.get(`after ${step}`)!.weights).toEqual(before.map((w, i) => w * mask[i] + 0))
      return mask
    })
    masks.forEach((mask, i) => {
      const last = [14, 34, 48][i]
      for (let step = [4, 24, 44][i] + 1; step <= last; step++) {
        const { weights: now, momenta: v } = seen.get(`before ${step}`)!
        expect(now.map((w) => (w === 0 ? 0 : 1))).toEqual(mask)
        expect(v.filter((value, j) => value !== 0 && mask[j] === 0)).toEqual([])
      }
    })
    // Which weights are the largest changes: some that were pruned before are kept in the end.
    expect(masks[2].filter((bit, i) => bit === 1 && masks[0][i] === 0).length).toBeGreaterThan(0)
    for (const step of [14, 34]) {
      const [before, after] = [seen.get(`before ${step}`)!, seen.get(`after ${step}`)!]
      expect(before.momenta.filter((v) => v !== 0).length).toBeGreaterThan(KEPT / 2)
      expect(after.weights).toEqual(before.weights)
      expect(new Set([...after.momenta, ...after.biases])).toEqual(new Set([0]))
    }
    const held = (step: number) => seen.get(`after ${step}`)!.sparse
    if (kernels === 'sparse') expect([13, 24, 44].map(held)).toEqual([3, 3, 3])
    if (kernels === 'dense') expect([13, 24, 44].map(held)).toEqual([0, 0, 0])
  })

  it('the first step of a dense phase moves every weight by its gradient alone', async () => {
    const network = smallNetwork({ machine: openReference(), kernels, denseGradients: true })
    const samples = Uint32Array.from({ length: 16 }, (_, i) => i)
    const hook = gradualPruning({ schedule: { ...schedule, start: 0, end: 11 } })
    await train(network, { epochs: 1, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: RATE } })
    hook.atStep(0, network)
    network.step(samples)
    hook.atStep(10, network)
    const before = weights(network)
    const gradients = network.denseGradients(samples).flatMap((gradient) => [...gradient])
    expect(before.filter((w) => w === 0)).toHaveLength(428 - KEPT)
    expect(gradients.filter((g, i) => g !== 0 && before[i] === 0).length).toBeGreaterThan(100)
    network.step(samples)
    weights(network).forEach((w, i) => {
      expect(w).toBeCloseTo(before[i] - RATE * gradients[i], 12)
    })
  })
})
