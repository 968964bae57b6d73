// ONNX Runtime as a contender: inference of one of our networks.
import { optional, threadsText, timed } from './contender.mjs'
import { onnxModel } from './onnx-model.mjs'

/** Undefined, and a note, where onnxruntime-node cannot be loaded. */
export async function onnxRuntime({ graph, weights, images }, threads, notes) {
  const runtime = await optional('onnxruntime-node', notes)
  if (!runtime) return undefined
  const { InferenceSession, Tensor, env } = runtime.default
  const session = await InferenceSession.create(onnxModel(graph, weights), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  })
  const [input] = graph.withRole('input')
  const [output] = graph.outputs.values()
  const feeds = { [input.name]: new Tensor('float32', images, input.shape) }
  const infer = async () => (await session.run(feeds))[output.name].data
  return {
    key: `onnx ${threads}`,
    name: `ONNX Runtime ${env.versions.node}, ${threadsText(threads)}`,
    infer,
    run: (steps) => timed(steps, infer),
    close: () => session.release(),
  }
}
