import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { gradualPruning } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { breadth } from '../support/breadth.ts'
import { sets, wasm } from '../support/engines.ts'

const data = synthetic({ train: 300, test: 100 })

/** Every bit that training and pruning leave behind, and the evaluation. */
async function fingerprint(machine: Machine, seed = 0): Promise<string> {
  const network = new Network({ machine, model: findModel('lenet-300-100'), data, batch: 64, seed })
  const schedule = { kind: 'cubic', sparsity: 0.9, start: 2, end: 8, every: 2 } as const
  await train(network, {
    epochs: 2,
    seed,
    hooks: [gradualPruning({ schedule })],
    optimizer: { momentum: 0.9, nesterov: true, weightDecay: 1e-4 },
    schedule: { kind: 'cosine', base: 0.05 },
  })
  const hash = createHash('sha256')
  for (const { name } of network.parameters) hash.update(network.values(name)).update(network.momentum(name))
  for (const { name } of network.prunable) hash.update(network.mask(name))
  return hash.update(JSON.stringify(network.evaluate('test'))).digest('hex')
}

it('wasm: two runs are equal, another seed is not', async () => {
  const first = await fingerprint(wasm)
  expect(await fingerprint(wasm)).toBe(first)
  expect(await fingerprint(wasm, 1)).not.toBe(first)
})

it.skipIf(sets.length === 0)('native: two runs are equal', async () => {
  expect(await fingerprint(openNative(2))).toBe(await fingerprint(openNative(2)))
})

it.for(sets)('native %s: any number of threads gives the same bits', async (set) => {
  const expected = await fingerprint(openNative(1, set))
  for (const threads of breadth([3], [2, 3, 4]))
    expect(await fingerprint(openNative(threads, set)), `${threads} threads`).toBe(expected)
})
