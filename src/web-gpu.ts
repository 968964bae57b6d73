/**
 * @file What a page can import for WebGPU: pruned networks, in any page and its own thread:
 *
 *     import { parseSafetensors } from 'espalier/web'
 *     import { GpuModel } from 'espalier/web/gpu'
 *     const bytes = new Uint8Array(await (await fetch('model.safetensors')).arrayBuffer())
 *     const model = await GpuModel.open(parseSafetensors(bytes, 'model.safetensors'))
 *     const logits = await model.run(pixels)
 *
 * and a machine for all that runs on one of WebAssembly, training too, in a worker of a page that is
 * cross-origin isolated:
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
export { GpuModel, type GpuModelOptions } from './infer/gpu-model.ts'
export { UserError } from './util/errors.ts'
