/**
 * @file What a page can import: pruned networks on WebAssembly. Nothing here, or imported from here, needs
 * Node or any package.
 *
 *     // Without a bundler from './espalier/lib/web.js':
 *     import { parseSafetensors, SparseModel, wasmMachine } from 'espalier/web'
 *     const machine = wasmMachine(await WebAssembly.compileStreaming(fetch('espalier.wasm')))
 *     const bytes = new Uint8Array(await (await fetch('model.safetensors')).arrayBuffer())
 *     const logits = new SparseModel(parseSafetensors(bytes, 'model.safetensors'), { machine }).run(pixels)
 */
export { wasmMachine } from './engine/machines/wasm-module.ts'
export { type ThreadWorker, type WasmThreadOptions, wasmThreads } from './engine/machines/wasm-threads.ts'
export { parseSafetensors, type TensorFile } from './formats/safetensors-bytes.ts'
export { SparseModel, type SparseModelOptions } from './infer/sparse-model.ts'
export { UserError } from './util/errors.ts'
