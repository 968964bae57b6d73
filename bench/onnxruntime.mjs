// ONNX Runtime as a contender: inference of one of our networks, native or as WebAssembly.

import { exportGraph, floats, onnxBytes } from '../dist/formats/onnx/export.js'
import { optional, threadsText, timed } from './contender.mjs'

/**
 * Undefined, and a note, where onnxruntime-node cannot be loaded. `quantized`: the bytes of a model
 * (quantize.mjs) that is run in the place of the network's own.
 */
export async function onnxRuntime(given, threads, notes, quantized) {
  const runtime = await optional('onnxruntime-node', notes)
  if (!runtime) return undefined
  const { env } = runtime.default
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1 }
  const name = `ONNX Runtime ${env.versions.node}${quantized ? ' int8' : ''}, ${threadsText(threads)}`
  return { key: `onnx ${threads}`, name, ...(await session(runtime.default, given, options, quantized)) }
}

/** The same with onnxruntime-web's WebAssembly on one thread. */
export async function onnxRuntimeWeb(given, notes, quantized) {
  const runtime = await optional('onnxruntime-web', notes)
  if (!runtime) return undefined
  const { env } = runtime
  env.wasm.numThreads = 1
  const name = `ONNX Runtime ${env.versions.web} wasm simd${quantized ? ' int8' : ''}, ${threadsText(env.wasm.numThreads)}`
  return { key: 'onnx wasm', name, ...(await session(runtime, given, { executionProviders: ['wasm'] }, quantized)) }
}

async function session({ InferenceSession, Tensor }, given, options, model = modelBytes(given)) {
  const { graph, images } = given
  const [input] = graph.withRole('input')
  const opened = await InferenceSession.create(model, options)
  const [output] = graph.outputs.keys()
  const feeds = { [input.name]: new Tensor('float32', images, input.shape) }
  const infer = async () => (await opened.run(feeds))[output].data
  return { infer, run: (steps) => timed(steps, infer), close: () => opened.release() }
}

/** The network as an ONNX model of floats. */
function modelBytes({ graph, weights }) {
  const stored = [...graph.withRole('parameter'), ...graph.withRole('buffer')]
  const initializers = stored.map(({ name, shape }) => floats(name, shape, weights.get(name)))
  return onnxBytes(exportGraph(graph, { inputs: graph.withRole('input'), initializers }))
}
