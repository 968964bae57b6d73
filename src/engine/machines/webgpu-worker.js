/**
 * @file A thread of Node that has a WebGPU device. JavaScript, since Node 20 starts no thread from
 * TypeScript.
 */
import { parentPort } from 'node:worker_threads'
import { create, globals } from 'webgpu'
import { serveDevice } from './webgpu-serve.js'

const gpu = create([])
// A global one is kept as long as the thread lives: the device is not safe without it.
Object.assign(globalThis, globals, { espalierGpu: gpu })
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
serveDevice(gpu, {
  onMessage: (listener) => port.on('message', listener),
  postMessage: (message) => port.postMessage(message),
  onExit: (listener) => process.on('exit', listener),
})
