/**
 * @file What a thread does that has a WebGPU device: all that it is sent, in the order in which it was sent,
 * while another thread waits for it (src/engine/webgpu/remote-machine.ts). JavaScript, since Node 20 starts
 * no thread from TypeScript.
 */
import { ANSWERED, CLOSED, DONE, PROBLEM } from '../webgpu/shared.js'
import { Device } from './webgpu-device.js'

/**
 * @typedef {{ control: Int32Array, problem: Uint8Array }} Shared
 * @typedef {{ onMessage(listener: (message: any) => void): void, postMessage(message: unknown): void,
 *   onExit?(listener: () => void): void }} Port `onExit`: calls when the thread ends, where anything does
 */

/**
 * Opens a device when it is told what to write to, and says what it is, or why there is none.
 * @param {GPU | undefined} gpu
 * @param {Port} port
 */
export function serveDevice(gpu, port) {
  /** @type {Promise<void>} */
  let last = Promise.resolve()
  /** @type {Device} */
  let device
  /** @type {Shared} */
  let shared
  let isClosing = false
  port.onExit?.(() => shared && tellClosed(shared))
  port.onMessage((message) => {
    if (message.ask) {
      Atomics.add(shared.control, ANSWERED, 1)
      return
    }
    // What was sent before and has not begun is left out: nobody waits for it any more.
    isClosing ||= message.close
    last = last.then(async () => {
      if (message.close) close(device, shared)
      if (isClosing) return
      if (!message.open) return serve(device, shared, message)
      shared = message.open
      try {
        device = await Device.open(gpu, message.open.bindingBytes)
        port.postMessage(device.facts)
      } catch (error) {
        port.postMessage({ refused: error instanceof Error ? error.message : String(error) })
      }
    })
  })
}

/**
 * Ends the work of a thread, for good.
 * @param {Device} device
 * @param {Shared} shared
 */
function close(device, shared) {
  device.close()
  tellClosed(shared)
  // Until the process has ended: the library looks after its device now and then, and must not do so then.
  Atomics.wait(shared.control, CLOSED, 1)
}

/** @param {Shared} shared */
function tellClosed({ control }) {
  Atomics.store(control, CLOSED, 1)
  Atomics.notify(control, CLOSED)
  Atomics.notify(control, DONE)
}

/**
 * @param {Device} device
 * @param {Shared} shared
 * @param {any} message
 */
async function serve(device, { control, problem }, message) {
  try {
    device.check()
    if (message.allocate) {
      const { id, parts, shift } = message.allocate
      await device.allocate(id, parts, shift)
    } else if (message.drop !== undefined) device.drop(message.drop)
    else if (message.write) device.write(message.write.id, message.write.offset, message.write.words)
    else if (message.prepare) await device.prepare(message.prepare.id, message.prepare.encoded)
    else if (message.run) await device.run(message.run.arena, message.run.program)
    else if (message.read) await device.read(message.read.id, message.read.extents, message.read.into)
    device.check()
  } catch (failed) {
    const error = await device.explained(failed)
    if (control[PROBLEM] === 0) {
      const [line] = (error instanceof Error ? error.message : String(error)).split('\n')
      const text = new TextEncoder().encode(line)
      problem.set(text.subarray(0, problem.length))
      Atomics.store(control, PROBLEM, Math.min(text.length, problem.length))
    }
  }
  Atomics.add(control, DONE, 1)
  Atomics.notify(control, DONE)
}
