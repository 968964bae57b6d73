/**
 * @file The machine of a page's worker: with threads where the page is isolated from others, else with one.
 */

import wasm from '../../kernels/espalier.wasm?url'
import threaded from '../../kernels/espalier-threads.wasm?url'
import type { Machine } from '../../src/engine/machine.ts'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { wasmThreads } from '../../src/engine/machines/wasm-threads.ts'

export async function pageMachine(): Promise<Machine> {
  if (!crossOriginIsolated || navigator.hardwareConcurrency < 2)
    return wasmMachine(await WebAssembly.compileStreaming(fetch(wasm)))
  const worker = () => new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' })
  return wasmThreads(await WebAssembly.compileStreaming(fetch(threaded)), { worker })
}
