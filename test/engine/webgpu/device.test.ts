/** @file Training on a device of WebGPU follows the reference; run by scripts/test-webgpu.mjs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { call } from '../../../src/engine/kernel.ts'
import { zero } from '../../../src/engine/kernels/elementwise.ts'
import type { Machine } from '../../../src/engine/machine.ts'
import { openMachine } from '../../../src/engine/machines/open.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { openWebGpu } from '../../../src/engine/machines/webgpu.ts'
import { Program } from '../../../src/engine/program.ts'
import { prune } from '../../../src/methods/prune.ts'
import { RewiringHook } from '../../../src/methods/rewiring/hook.ts'
import { rewiringOf } from '../../../src/methods/rewiring/index.ts'
import { findModel } from '../../../src/models/index.ts'
import { setHyper } from '../../../src/optim/sgd.ts'
import { Network } from '../../../src/train/network.ts'
import { train } from '../../../src/train/train.ts'
import { collectGarbage } from '../../../src/util/garbage.ts'
import { compiled, root } from '../../cli/cli.ts'
import { breadth } from '../../support/breadth.ts'
import { wanted } from '../../support/needed.ts'

const isHere = wanted('WebGPU', Boolean(process.env.ESPALIER_WEBGPU), 'node scripts/test-webgpu.mjs')

/** Of a training step by step; a software adapter takes half a second for each. */
const STEPS = breadth(40, 200)
const mnistLike = synthetic({ train: 8, test: 1 })

describe.skipIf(!isHere)('on the device', async () => {
  const device: Machine = isHere ? await openMachine({ engine: 'webgpu', threads: 1 }) : openReference()

  it(`${STEPS} steps of a narrow ResNet-20 stay as near to the reference as WebAssembly does`, {
    timeout: 600_000,
  }, async () => {
    const model = findModel('resnet20', { widen: 0.125 })
    const data = synthetic({ train: 64, test: 10, classes: model.classes, image: model.image })
    const machines = [device, await openMachine({ engine: 'wasm' }), openReference()]
    const networks = machines.map((machine) => new Network({ machine, model, data, batch: 2, seed: 1 }))
    // Rounding grows over the steps, on every engine.
    let farthest = 1e-4
    for (let step = 0; step < STEPS; step++) {
      const samples = [2 * step, 2 * step + 1].map((sample) => sample % 64)
      const [found, wasm, expected] = networks.map((network) => {
        setHyper(network.executable, 1e-4, { momentum: 0.9, weightDecay: 1e-4 })
        return network.step(samples).loss
      })
      farthest = Math.max(farthest, Math.abs(wasm - expected))
      expect(Math.abs(found - expected)).toBeLessThan(3 * farthest)
    }
    expect(farthest).toBeLessThan(0.1)
  })

  it.each(['dense', 'sparse'] as const)('pruning and rewiring on %s kernels', { timeout: 120_000 }, async (kernels) => {
    const model = findModel('lenet-300-100')
    const data = synthetic({ train: 128, test: 50 })
    const trained = await Promise.all(
      [device, await openMachine({ engine: 'wasm' })].map(async (machine) => {
        const network = new Network({ machine, model, data, batch: 32, seed: 2, kernels })
        prune(network, { sparsity: 0.8 })
        const rewiring = rewiringOf('set').make({ seed: 1 })
        const schedule = { start: 2, end: 9, period: () => 2 }
        const hook = new RewiringHook({ rewiring, schedule, rate: () => 0.1, seed: 1 })
        await train(network, { epochs: 3, schedule: { kind: 'constant', base: 0.01 }, hooks: [hook] })
        network.assertMasked()
        return { counts: network.counts(), loss: network.evaluate('test').loss }
      }),
    )
    expect(trained[0].counts).toEqual(trained[1].counts)
    expect(Math.abs(trained[0].loss - trained[1].loss)).toBeLessThan(1e-3)
  })

  it('an arena over several bindings gives the same bits', { timeout: 120_000 }, async () => {
    const pieced = await openWebGpu(await openMachine({ engine: 'wasm' }), { bindingBytes: 2 ** 20 })
    const model = findModel('lenet-300-100')
    const data = synthetic({ train: 64, test: 10 })
    const [one, other] = [device, pieced].map((machine) => {
      const network = new Network({ machine, model, data, batch: 64, seed: 3 })
      expect(4 * (network.executable.memory.persistent + network.executable.memory.temporary)).toBeGreaterThan(2 ** 21)
      for (let step = 0; step < 2; step++) {
        setHyper(network.executable, 0.1, { momentum: 0.9 })
        network.step(Array.from({ length: 64 }, (_, i) => i))
      }
      return network.parameters.map(({ name }) => [...network.values(name)])
    })
    expect(one).toEqual(other)

    // What is read back is more than one of its buffers.
    const size = 600_000
    const arena = pieced.allocate(size)
    arena.view(0, size).forEach((_, i, all) => {
      all[i] = i
    })
    arena.run(Program.assemble([call(zero, { n: 1, y: 1 })], size))
    const back = arena.peek(0, size)
    expect(back.findIndex((value, i) => value !== (i === 1 ? 0 : i))).toBe(-1)
  })

  it('gives the same bits again', { timeout: 120_000 }, () => {
    const model = findModel('lenet-300-100')
    const data = synthetic({ train: 64, test: 10 })
    const [one, other] = [0, 1].map(() => {
      const network = new Network({ machine: device, model, data, batch: 64, seed: 3 })
      for (let step = 0; step < 3; step++) {
        setHyper(network.executable, 0.1, { momentum: 0.9 })
        network.step(Array.from({ length: 64 }, (_, i) => i))
      }
      return network.parameters.map(({ name }) => [...network.values(name)])
    })
    expect(one).toEqual(other)
  })

  it('a process that ends while the device works ends as it says', { timeout: 120_000 }, async () => {
    await compiled()
    const steps = 20
    const script = `
      import { findModel, Network, openMachine } from './lib/index.js'
      import { synthetic } from './lib/data.js'
      const data = synthetic({ train: 256, test: 1 })
      const machine = await openMachine({ engine: 'webgpu' })
      const network = new Network({ machine, model: findModel('lenet-300-100'), data, batch: 256 })
      network.step(Uint32Array.from({ length: 256 }, (_, i) => i))
      for (let step = 0; step < ${steps}; step++) network.executable.run('train/256')
      process.exit(7)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: root, stdio: 'pipe' })
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    expect([...(await once(child, 'close')), said]).toEqual([7, null, ''])
  })

  it('programs that ran once are given back, and others run on', { timeout: 120_000 }, () => {
    const network = new Network({ machine: device, model: findModel('lenet-300-100'), data: mnistLike, batch: 8 })
    const [layer] = network.layers()
    for (let keep = 1; keep <= 60; keep++) {
      network.layers()[0].scores.set(Float32Array.from(layer.scores, (_, i) => (i * 7919) % 10007))
      network.selectTop([layer], keep)
      if (keep % 20 === 0) collectGarbage()
    }
    expect(network.mask(layer.name).filter((kept) => kept === 1).length).toBe(60)
    expect(network.step([0, 1, 2, 3, 4, 5, 6, 7]).loss).toBeGreaterThan(1)
  })

  it('an arena that has no room is refused in one sentence, and others run', { timeout: 120_000 }, () => {
    const model = findModel('resnet18')
    const data = synthetic({ train: 2048, test: 1, classes: model.classes, image: model.image })
    expect(() => {
      const network = new Network({ machine: device, model, data, batch: 1024, seed: 3 })
      network.step(Array.from({ length: 1024 }, (_, i) => i))
    }).toThrow(/^(the programs need|WebGPU: the device has no room) .* expected smaller batches$/)
    const small = new Network({ machine: device, model: findModel('lenet-300-100'), data: mnistLike, batch: 8 })
    expect(small.step([0, 1, 2, 3, 4, 5, 6, 7]).loss).toBeGreaterThan(1)
  })
})
