/**
 * @file The machine of a page's worker: with threads where the page is isolated from others, else with one.
 */
import wasm from '../../kernels/espalier.wasm?url'
import threaded from '../../kernels/espalier-threads.wasm?url'
import type { Machine } from '../../src/engine/machine.ts'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { wasmThreads } from '../../src/engine/machines/wasm-threads.ts'

let machine: Promise<Machine> | undefined

/** The same every time: threads stay with the worker that started them. */
export const pageMachine = (): Promise<Machine> => (machine ??= open())

async function open(): Promise<Machine> {
  if (!crossOriginIsolated || navigator.hardwareConcurrency < 2)
    return wasmMachine(await WebAssembly.compileStreaming(fetch(wasm)))
  const worker = () => new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' })
  return wasmThreads(await WebAssembly.compileStreaming(fetch(threaded)), { worker })
}
