// ONNX Runtime as a contender: inference of one of our networks, native or as WebAssembly.

import { exportGraph, floats, onnxBytes } from '../dist/formats/onnx/export.js'
import { optional, threadsText, timed } from './contender.mjs'

/** Undefined, and a note, where onnxruntime-node cannot be loaded. */
export async function onnxRuntime(given, threads, notes) {
  const runtime = await optional('onnxruntime-node', notes)
  if (!runtime) return undefined
  const { env } = runtime.default
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1 }
  const name = `ONNX Runtime ${env.versions.node}, ${threadsText(threads)}`
  return { key: `onnx ${threads}`, name, ...(await session(runtime.default, given, options)) }
}

/** The same with onnxruntime-web's WebAssembly on one thread. */
export async function onnxRuntimeWeb(given, notes) {
  const runtime = await optional('onnxruntime-web', notes)
  if (!runtime) return undefined
  const { env } = runtime
  env.wasm.numThreads = 1
  const name = `ONNX Runtime ${env.versions.web} wasm simd, ${threadsText(env.wasm.numThreads)}`
  return { key: 'onnx wasm', name, ...(await session(runtime, given, { executionProviders: ['wasm'] })) }
}

async function session({ InferenceSession, Tensor }, { graph, weights, images }, options) {
  const stored = [...graph.withRole('parameter'), ...graph.withRole('buffer')]
  const initializers = stored.map(({ name, shape }) => floats(name, shape, weights.get(name)))
  const [input] = graph.withRole('input')
  const model = onnxBytes(exportGraph(graph, { inputs: [input], initializers }))
  const opened = await InferenceSession.create(model, options)
  const [output] = graph.outputs.keys()
  const feeds = { [input.name]: new Tensor('float32', images, input.shape) }
  const infer = async () => (await opened.run(feeds))[output].data
  return { infer, run: (steps) => timed(steps, infer), close: () => opened.release() }
}
