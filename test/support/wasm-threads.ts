/** @file The WebAssembly machine with threads in Node: workers of Node in the place of those of a page. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Machine } from '../../src/engine/machine.ts'
import { type ThreadWorker, wasmThreads } from '../../src/engine/machines/wasm-threads.ts'
import { compiled, root } from '../cli/cli.ts'

/** What a page's worker has and one of Node does not, and then the script that the package has for them. */
const SCRIPT = `
  import { parentPort } from 'node:worker_threads'
  globalThis.postMessage = (message) => parentPort.postMessage(message)
  await import(${JSON.stringify(pathToFileURL(join(root, 'lib/web-thread.js')).href)})
  parentPort.on('message', (data) => globalThis.onmessage({ data }))
`

const threadModule = async () => WebAssembly.compile(await readFile(join(root, 'kernels/espalier-threads.wasm')))

function nodeWorker(): ThreadWorker {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(SCRIPT)}`))
  worker.unref()
  const thread: ThreadWorker & { onmessage?: (event: unknown) => void; onerror?: (event: unknown) => void } = {
    postMessage: (message) => worker.postMessage(message),
  }
  worker.on('message', (data) => thread.onmessage?.({ data }))
  worker.on('error', (error) => thread.onerror?.({ message: String(error) }))
  return thread
}

/** Its threads end with the process. */
export async function openWasmThreads(threads: number): Promise<Machine> {
  await compiled()
  return wasmThreads(await threadModule(), { threads, worker: nodeWorker })
}
