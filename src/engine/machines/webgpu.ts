/** @file The WebGPU machine in Node, by the package webgpu, an optional peer. */
import { Worker } from 'node:worker_threads'
import { UserError } from '../../util/errors.ts'
import { isAbsent, needed } from '../../util/optional.ts'
import type { Machine } from '../machine.ts'
import { type Opened, remoteMachine, sharedMemory } from '../webgpu/remote-machine.ts'
import { CLOSED } from '../webgpu/shared.js'

/** Devices end their work before the process does. */
const closers: (() => void)[] = []

/**
 * A machine on the first adapter, with `processor` for what it lacks. Throws UserError where the package
 * webgpu is not installed or there is no adapter. With `bindingBytes`, arenas beyond it take several
 * bindings, as those do that are larger than an adapter binds.
 */
export async function openWebGpu(
  processor: Machine,
  { bindingBytes }: { bindingBytes?: number } = {},
): Promise<Machine> {
  const shared = sharedMemory()
  // Flags of the process, such as --input-type, are not its own.
  const worker = new Worker(new URL('webgpu-worker.js', import.meta.url), { execArgv: [] })
  try {
    worker.postMessage({ open: { ...shared, bindingBytes } })
    const opened = await firstMessage(worker)
    const { machine, close } = remoteMachine((message) => worker.postMessage(message), shared, opened, processor)
    worker.unref()
    // Who waits for it next is told.
    worker.on('error', () => {})
    worker.on('exit', () => Atomics.store(shared.control, CLOSED, 1))
    if (closers.push(close) === 1) process.once('exit', () => closers.forEach((one) => void one()))
    return machine
  } catch (error) {
    if (error instanceof UserError) void worker.terminate()
    if (isAbsent(['webgpu'], error as Error)) throw needed(['webgpu'], 'the WebGPU engine', error as Error)
    throw error
  }
}

/** What a worker says when it has opened a device, or cannot. */
function firstMessage(worker: Worker): Promise<Opened> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) =>
      reject(new UserError(`WebGPU: the thread of the device ended with code ${code} before it was open`)),
    )
  })
}
