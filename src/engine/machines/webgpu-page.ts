/** @file The WebGPU machine in a worker of a page, whose device lives in another worker. */
import { UserError } from '../../util/errors.ts'
import type { Machine } from '../machine.ts'
import { type Opened, remoteMachine, sharedMemory } from '../webgpu/remote-machine.ts'
import type { ThreadWorker } from './wasm-threads.ts'

export interface WebGpuOptions {
  /** Runs kernels that WebGPU lacks, and holds the mirrors of arenas: a WebAssembly machine. */
  processor: Machine
  /** Starts a worker that runs lib/web-gpu-thread.js. */
  worker(): ThreadWorker
}

/**
 * A machine on the first adapter of the browser. It needs memory that is shared, which a page has where it is
 * cross-origin isolated, and a thread that may wait: a worker of the page, not the page itself. Rejects with
 * UserError where memory cannot be shared or there is no adapter.
 */
export async function webGpuMachine({ processor, worker }: WebGpuOptions): Promise<Machine> {
  if (typeof SharedArrayBuffer === 'undefined')
    throw new UserError('WebGPU needs memory that is shared: expected a page that is cross-origin isolated')
  const shared = sharedMemory()
  const thread = worker()
  const opened = await new Promise<Opened>((resolve, reject) => {
    thread.onmessage = ({ data }: { data: Opened }) => resolve(data)
    thread.onerror = (event: { message?: string }) =>
      reject(new Error(`the thread of WebGPU does not start: ${event.message || 'its script cannot be loaded'}`))
    thread.postMessage({ open: shared })
  })
  if ('refused' in opened) thread.terminate?.()
  return remoteMachine((message) => thread.postMessage(message), shared, opened, processor).machine
}
