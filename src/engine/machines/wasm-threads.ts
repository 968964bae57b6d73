/**
 * @file WebAssembly on several threads: workers that each hold an instance of the module over every arena's
 * memory and compute their parts of a run while the calling thread computes its own. They wait on a small
 * shared array; what they do not know yet, such as a new arena, they are sent as a message.
 */
import { checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { limits } from '../kernels/limits.ts'
import type { Machine } from '../machine.ts'
import { sharedMachine } from './wasm-module.ts'
import { PLACES, type TeamFacts, type ThreadMessage } from './wasm-thread.ts'

/** A worker that runs lib/web-thread.js, in a page or, with `on`, one of Node. */
export interface ThreadWorker {
  postMessage(message: unknown): void
  terminate?(): void
  onmessage?: unknown
  onerror?: unknown
}

export interface WasmThreadOptions {
  /** All threads, the calling one among them. Default: the processors, at most 8. */
  threads?: number
  /** Starts a worker that runs lib/web-thread.js. */
  worker(): ThreadWorker
}

/** How many there are where nobody says it: more than that gain little from 128-bit vectors. */
const USUAL_MOST = 8

/**
 * A machine from the compiled module kernels/espalier-threads.wasm. Its results are those of one thread, bit
 * for bit. It needs memory that is shared, which a page has where it is cross-origin isolated, and a thread
 * that may wait: not that of the page itself, but one of its workers. Rejects with UserError where memory
 * cannot be shared, the number of threads is none or the module is of another version, and with an error
 * where a worker does not start.
 */
export async function wasmThreads(
  module: WebAssembly.Module,
  { threads = Math.min(navigator.hardwareConcurrency, USUAL_MOST), worker }: WasmThreadOptions,
): Promise<Machine> {
  checkWhole('threads', threads, 1, limits.MOST_THREADS)
  if (typeof SharedArrayBuffer === 'undefined')
    throw new UserError(
      'threads share memory, which a page has where it is cross-origin isolated: expected the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
    )
  const control = new Int32Array(new SharedArrayBuffer(4 * Object.keys(PLACES).length))
  const workers = await Promise.all(
    Array.from({ length: threads - 1 }, (_, i) => started(worker(), { module, control, part: i + 1, parts: threads })),
  )
  const tell = (message: ThreadMessage) => {
    for (const one of workers) one.postMessage(message)
  }
  // The memory of an arena that nobody uses is given back by the threads, too.
  const unused = new FinalizationRegistry<number>((id) => tell({ drop: id }))
  let arenas = 0
  return sharedMachine(module, {
    threads,
    join(memory, layout) {
      const id = arenas++
      tell({ arena: { id, memory, layout } })
      const start = (length: number) => {
        Atomics.store(control, PLACES.arena, id)
        Atomics.store(control, PLACES.length, length)
        Atomics.add(control, PLACES.run, 1)
        Atomics.notify(control, PLACES.run)
      }
      unused.register(start, id)
      return start
    },
  })
}

/** Resolves when the worker says that it is there. */
function started(worker: ThreadWorker, team: TeamFacts): Promise<ThreadWorker> {
  return new Promise((resolve, reject) => {
    worker.onmessage = () => resolve(worker)
    worker.onerror = (event: { message?: string }) =>
      reject(new Error(`a thread does not start: ${event.message || 'its script cannot be loaded'}`))
    worker.postMessage({ team } satisfies ThreadMessage)
  })
}
