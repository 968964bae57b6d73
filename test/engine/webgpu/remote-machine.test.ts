/** @file Who waits for the thread of a device is told when that ends, and waits for one that is slow. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { zero } from '../../../src/engine/kernels/elementwise.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { Program } from '../../../src/engine/program.ts'
import { type Opened, remoteMachine, sharedMemory } from '../../../src/engine/webgpu/remote-machine.ts'

/** The thread of a device that does nothing, but for what is done where an arena is allocated. */
const threadOf = (allocating: string) => `
  const { parentPort: port } = require('node:worker_threads')
  const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 28, maxStorageBuffersPerShaderStage: 8 }
  const device = {
    limits,
    lost: new Promise(() => {}),
    addEventListener() {},
    createBuffer: () => ({}),
    pushErrorScope() {},
    async popErrorScope() { ${allocating} },
    destroy() {},
  }
  const gpu = { requestAdapter: async () => ({ limits, info: {}, requestDevice: async () => device }) }
  globalThis.GPUBufferUsage = {}
  const found = []
  port.on('message', (message) => found.push(message))
  import('${new URL('../../../src/engine/machines/webgpu-serve.js', import.meta.url)}').then(({ serveDevice }) => {
    port.removeAllListeners('message')
    const onMessage = (listener) => { for (const one of found) listener(one); port.on('message', listener) }
    const onExit = (listener) => process.on('exit', listener)
    serveDevice(gpu, { onMessage, postMessage: (message) => port.postMessage(message), onExit })
  })`

/** A second of silence is the end. */
async function run(allocating: string): Promise<() => void> {
  const resourceLimits = { maxOldGenerationSizeMb: 32 }
  const worker = new Worker(threadOf(allocating), { eval: true, execArgv: [], resourceLimits })
  onTestFinished(() => void worker.terminate())
  worker.on('error', () => {})
  const shared = sharedMemory()
  worker.postMessage({ open: shared })
  const [opened] = (await once(worker, 'message')) as [Opened]
  const { machine } = remoteMachine((message) => worker.postMessage(message), shared, opened, openReference(), 1000)
  const arena = machine.allocate(4)
  return () => arena.run(Program.assemble([call(zero, { n: 4, y: 0 })], 4))
}

const ENDED = 'WebGPU: the thread of the device ended, or does not answer any more'

it.each([
  ['exits', 'process.exit(1)'],
  ['throws where nothing catches it', 'setTimeout(() => { throw new Error("lost") }); return new Promise(() => {})'],
  ['has no memory left', 'for (const all = []; ; ) all.push(new Array(1e5).fill({}))'],
  ['never comes back', 'for (;;);'],
])('a thread that %s is not waited for', async (_what, allocating) => {
  const work = await run(allocating)
  expect(work).toThrow(ENDED)
  const start = performance.now()
  expect(work).toThrow(ENDED)
  expect(performance.now() - start).toBeLessThan(100)
})

it('a thread whose device is slow is waited for', async () => {
  const work = await run('await new Promise((resolve) => setTimeout(resolve, 1800)); throw new Error("was slow")')
  expect(work).toThrow('WebGPU: was slow')
})
