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
