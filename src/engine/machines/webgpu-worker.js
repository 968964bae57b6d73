/**
 * @file A thread that has a WebGPU device, and does what it is sent in the order in which it was sent;
 * machines/webgpu.ts waits for it. JavaScript, since Node 20 starts no thread from TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { create, globals } from 'webgpu'
import { Device } from './webgpu-device.js'

const gpu = create([])
// A global one is kept as long as the thread lives: the device is not safe without it.
Object.assign(globalThis, globals, { espalierGpu: gpu })

/** How many messages are done, the length of what went wrong, and whether this thread does nothing any more. */
const DONE = 0
const PROBLEM = 1
const CLOSED = 2
/** @type {{ control: Int32Array, problem: Uint8Array }} */
const { control, problem } = workerData

/** @type {Promise<void>} */
let last = Promise.resolve()
try {
  const device = await Device.open(gpu)
  parentPort?.on('message', (message) => {
    last = last.then(() => serve(device, message))
  })
  parentPort?.postMessage(device.facts)
} catch (error) {
  parentPort?.postMessage({ refused: error instanceof Error ? error.message : String(error) })
}

/**
 * @param {Device} device
 * @param {any} message
 */
async function serve(device, message) {
  if (message.close) {
    device.close()
    Atomics.store(control, CLOSED, 1)
    Atomics.notify(control, CLOSED)
    // Until the process has ended: the library looks after its device now and then, and must not do so then.
    Atomics.wait(control, CLOSED, 1)
  }
  try {
    device.check()
    if (message.allocate) await device.allocate(message.allocate.id, message.allocate.floats)
    else if (message.drop !== undefined) device.drop(message.drop)
    else if (message.write) device.write(message.write.id, message.write.offset, message.write.words)
    else if (message.prepare) await device.prepare(message.prepare.id, message.prepare.encoded)
    else if (message.run) await device.run(message.run.arena, message.run.program)
    else if (message.read) await device.read(message.read.id, message.read.extents, message.read.into)
    device.check()
  } catch (error) {
    if (control[PROBLEM] === 0) {
      const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error))
      problem.set(text.subarray(0, problem.length))
      Atomics.store(control, PROBLEM, Math.min(text.length, problem.length))
    }
  }
  Atomics.add(control, DONE, 1)
  Atomics.notify(control, DONE)
}
