import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as espalier from '../src/index.ts'
import { temporaryFolder } from './cli/temporary.ts'

it('the library: train, prune, save, load', async () => {
  const { Network, findModel, loadDataset, openMachine, packSparse, prune, readSafetensors, unpackSparse } = espalier
  const options = {
    machine: await openMachine({ threads: 1 }),
    model: findModel('mlpnet'),
    data: await loadDataset('synthetic'),
  }
  const network = new Network({ ...options, batch: 100 })
  const schedule = { kind: 'constant', base: 0.05 } as const
  await espalier.train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule })
  expect(prune(network, { sparsity: 0.8 })).toMatchObject({ sparsity: 0.8, collapsed: [] })
  const result = network.evaluate('test')
  expect(result.accuracy).toBeGreaterThan(0.9)

  const path = join(temporaryFolder(), 'pruned.safetensors')
  espalier.writeSafetensors(path, packSparse(espalier.weightsOf(network)))
  const loaded = new Network(options)
  espalier.loadWeights(loaded, unpackSparse(readSafetensors(path), path), path)
  expect(loaded.evaluate('test')).toEqual(result)
  expect(loaded.counts()).toEqual(network.counts())
})

it('the library: a sparse network whose weights move while it trains', async () => {
  const { Network, RewiringHook, findModel, loadDataset, openMachine, prune, rewirings } = espalier
  const machine = await openMachine({ threads: 1 })
  const network = new Network({ machine, model: findModel('mlpnet'), data: await loadDataset('synthetic'), batch: 100 })
  prune(network, { method: 'random', scope: 'erk', sparsity: 0.9 })
  const before = new Map(network.prunable.map(({ name }) => [name, Float32Array.from(network.weights.whole(name))]))
  const moved: number[] = []
  const hook = new RewiringHook({
    rewiring: rewirings.set.make({ seed: 0, fraction: 0.2 }),
    seed: 0,
    rate: () => 0.05,
    schedule: { start: 0, end: 30, period: () => 10 },
    onEvent: ({ grown }) => moved.push(grown),
  })
  const schedule = { kind: 'constant', base: 0.05 } as const
  await espalier.train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule, hooks: [hook] })
  expect(moved).toHaveLength(2)
  expect(Math.min(...moved)).toBeGreaterThan(0)
  for (const { name } of network.prunable) {
    const [was, is] = [before.get(name)!, network.weights.nonzeros(name).positions]
    expect(is).toHaveLength(was.filter((w) => w !== 0).length)
    expect(is.some((position) => was[position] === 0)).toBe(true)
  }
  expect(network.evaluate('test').accuracy).toBeGreaterThan(0.2)
})
