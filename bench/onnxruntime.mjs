// ONNX Runtime as a contender: inference of one of our networks, native or as WebAssembly.
import { optional, threadsText, timed } from './contender.mjs'
import { onnxModel } from './onnx-model.mjs'

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
  const opened = await InferenceSession.create(onnxModel(graph, weights), options)
  const [input] = graph.withRole('input')
  const [output] = graph.outputs.values()
  const feeds = { [input.name]: new Tensor('float32', images, input.shape) }
  const infer = async () => (await opened.run(feeds))[output.name].data
  return { infer, run: (steps) => timed(steps, infer), close: () => opened.release() }
}
