/** @file WebAssembly on several threads: everything is to the bit what one thread computes. */
import { beforeAll, expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { wasmThreads } from '../../src/engine/machines/wasm-threads.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { gradualPruning } from '../../src/methods/prune.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { wasm } from '../support/engines.ts'
import { sparseNetwork } from '../support/sparse-network.ts'
import { openWasmThreads } from '../support/wasm-threads.ts'
import { dataOf, model } from '../train/small.ts'

let teams: Machine[]

beforeAll(async () => {
  teams = await Promise.all([2, 3].map(openWasmThreads))
}, 120_000)

it('says how many it has', () => {
  expect(teams.map(({ threads }) => threads)).toEqual([2, 3])
  expect(teams[1].description).toBe('wasm simd128, 3 threads')
})

it('trains and prunes', async () => {
  const trained = async (machine: Machine) => {
    const network = new Network({ machine, model, data: dataOf({ train: 200, test: 100 }), batch: 20, seed: 1 })
    const schedule = { kind: 'cubic' as const, sparsity: 0.8, start: 5, end: 25, every: 5 }
    await train(network, {
      epochs: 4,
      optimizer: { momentum: 0.9 },
      schedule: { kind: 'constant', base: 0.05 },
      hooks: [gradualPruning({ schedule })],
    })
    return { weights: weightsOf(network).tensors, ...network.evaluate('test') }
  }
  const alone = await trained(wasm)
  for (const machine of teams) expect(await trained(machine)).toEqual(alone)
})

/** Networks by name, with samples of two batches. */
const networks = () =>
  ['resnet20', 'mobilenet-v1-cifar', 'lenet-5', 'vit-tiny'].map((name) => {
    const { weights, samples } = sparseNetwork(name, 6)
    const one = samples.length / 6
    return { name, weights, batches: [samples.subarray(0, one), samples.subarray(one)] }
  })

it('runs networks by turns, each in an arena of its own, and others when those are gone', { timeout: 60_000 }, () => {
  const given = networks()
  const outputs = (machine: Machine, rounds: number) => {
    const models = given.map(({ name, weights }) => new SparseModel(weights, { machine, model: name }))
    return Array.from({ length: rounds }, () =>
      models.map((one, i) => given[i].batches.map((images) => Float32Array.from(one.run(images)))),
    )
  }
  const [alone] = outputs(wasm, 1)
  for (const machine of teams)
    for (let again = 0; again < 3; again++) for (const found of outputs(machine, 3)) expect(found).toEqual(alone)
})

it('what cannot be is refused, and a thread that does not start is told of', async () => {
  const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
  const worker = () => ({ postMessage: () => {} })
  await expect(wasmThreads(module, { threads: 0, worker })).rejects.toThrow('threads: expected a whole number from 1')
  const broken: { postMessage(): void; onerror?: (event: unknown) => void } = {
    postMessage: () => broken.onerror?.({ message: 'no such script' }),
  }
  await expect(wasmThreads(module, { threads: 2, worker: () => broken })).rejects.toThrow(
    'a thread does not start: no such script',
  )
})
