/** @file espalier prune --method snows: alone, on the masks of another method, and what does not fit. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { readSafetensors, toFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import type { HorizonReport } from '../../src/methods/masks.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'

let folder: string
const file = (name: string) => join(folder, `${name}.safetensors`)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  const data = synthetic()
  for (const [name, model] of Object.entries({ mlp: 'mlpnet', bn: 'mnist-mlp-bn' })) {
    const network = new Network({ machine, model: findModel(model), data, batch: 100 })
    await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
    writeSafetensors(file(name), weightsOf(network))
  }
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const prune = (from: string, out: string, flags: string) =>
  espalier(['prune', file(from), '--data', 'synthetic', '--polish', '0', ...flags.split(' '), '-o', file(out)])

interface Result {
  pruned: { accuracy: number; loss: number }
  prunable: { kept: number }
  layers: { name: string; kept: number }[]
  reconstructions: { name: string; error: number; horizon: HorizonReport }[]
}

async function result(from: string, out: string, flags: string): Promise<Result> {
  const { code, stdout, stderr } = await prune(from, out, `${flags} --json`)
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0] as unknown as Result
}

/** 1 where a weight of a file is not zero. */
function maskIn(name: string, tensor: string): number[] {
  const { tensors } = unpackSparse(readSafetensors(file(name)), name)
  return Array.from(toFloats(tensors.get(tensor)!), (w) => (w === 0 ? 0 : 1))
}

const WEIGHTS = ['fc1.weight', 'fc2.weight', 'fc3.weight']

it('keeps the weights of magnitude pruning, and gets more right', async () => {
  const magnitude = await result('mlp', 'magnitude', '--method magnitude --sparsity 0.96')
  const snows = await result('mlp', 'snows', '--method snows --sparsity 0.96 --samples 300 --horizon 4')
  for (const name of WEIGHTS) expect(maskIn('snows', name), name).toEqual(maskIn('magnitude', name))
  expect(snows.pruned.loss).toBeLessThan(0.7 * magnitude.pruned.loss)
  expect(snows.reconstructions.map(({ name, horizon }) => [name, horizon.steps])).toEqual([
    ['fc1.weight', 4],
    ['fc2.weight', 3],
    ['fc3.weight', 1],
  ])
  for (const { horizon } of snows.reconstructions) expect(horizon.after).toBeLessThan(horizon.before)
  expect(readSafetensors(file('snows')).metadata).toMatchObject({ method: 'snows', samples: '300', horizon: '4' })
}, 60_000)

it('on the masks of SparseGPT, with the dense network: the same weights stay, and the loss falls', async () => {
  const given = await result('mlp', 'given', '--method sparsegpt --sparsity 0.97 --samples 300')
  const flags = `--method snows --sparsity 0.97 --samples 300 --dense ${file('mlp')}`
  const both = await result('given', 'both', flags)
  for (const name of WEIGHTS) expect(maskIn('both', name), name).toEqual(maskIn('given', name))
  expect(both.pruned.loss).toBeLessThan(given.pruned.loss)
}, 60_000)

it('tells its progress, the same bytes for the same seed, and new statistics where there are normalizations', async () => {
  const flags = '--method snows --sparsity 0.9 --samples 200 --newton-steps 2 --cg-iterations 5'
  const { code, stdout } = await prune('bn', 'first', flags)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^layers: fc\d\.weight, (\d) of \1, \d+\.\d s$/m)
  expect(stdout).toContain('statistics')
  await prune('bn', 'second', flags)
  await prune('bn', 'third', `${flags} --seed 1`)
  const bytes = (name: string) =>
    [...unpackSparse(readSafetensors(file(name)), name).tensors.values()].map(({ data }) =>
      Buffer.from(data).toString('hex'),
    )
  expect(bytes('second')).toEqual(bytes('first'))
  expect(bytes('third')).not.toEqual(bytes('first'))
}, 60_000)

it.each<[string, RegExp]>([
  ['--horizon 0', /^espalier: --horizon: expected at least 1, found 0\n$/],
  ['--newton-steps -1', /^espalier: --newton-steps: expected at least 0, found -1\n$/],
  ['--cg-iterations 1.5', /^espalier: --cg-iterations: expected .*found 1\.5\n$/],
  [
    '--samples 3000',
    /^espalier: --samples: expected no more than the 2,000 training samples of synthetic, found 3,000\n$/,
  ],
  ['--dense nowhere.safetensors', /^espalier: .*nowhere\.safetensors.*\n$/],
  ['--dense BN', /bn\.safetensors.*fc1\.weight.*\n$/],
  ['--stages 2', /^espalier: --stages has no effect with snows: /],
])('%s is refused in a sentence', async (flags, message) => {
  const { code, stderr } = await prune(
    'mlp',
    'never',
    `--method snows --sparsity 0.5 ${flags.replace('BN', file('bn'))}`,
  )
  expect(stderr).toMatch(message)
  expect(code).not.toBe(0)
})

it('other methods have no use for what is its own', async () => {
  const { stderr } = await prune('mlp', 'never', '--method obc --sparsity 0.5 --horizon 3')
  expect(stderr).toMatch(/^espalier: --horizon has no effect with obc: it is for snows\n$/)
})
