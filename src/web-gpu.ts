/**
 * @file What a page can import for WebGPU: a machine for all that runs on one of WebAssembly, training too,
 * in a worker of a page that is cross-origin isolated.
 *
 *     import { wasmMachine } from 'espalier/web'
 *     import { webGpuMachine } from 'espalier/web/gpu'
 *     const processor = wasmMachine(await WebAssembly.compileStreaming(fetch('espalier.wasm')))
 *     const url = new URL('espalier/web/gpu-thread', import.meta.url)
 *     const worker = () => new Worker(url, { type: 'module' })
 *     const machine = await webGpuMachine({ processor, worker })
 */
export type { Machine } from './engine/machine.ts'
export type { ThreadWorker } from './engine/machines/wasm-threads.ts'
export { type WebGpuOptions, webGpuMachine } from './engine/machines/webgpu-page.ts'
export { UserError } from './util/errors.ts'
