/**
 * @file Graphs as ONNX models, run by ONNX Runtime. Inputs, parameters and states all become inputs of the
 * model.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { exportGraph, onnxBytes, outputName } from '../../src/formats/onnx/export.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { given, type Values } from './evaluate.ts'

/** One thread, no optimizer: it moves padding into pooling, where more than the kernel is refused then. */
const OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3 as const,
  graphOptimizationLevel: 'disabled' as const,
}

/** The outputs of a graph, computed by ONNX Runtime. */
export async function runOnnx(graph: Graph, values: Values): Promise<Map<string, Float32Array>> {
  const inputs = given(graph)
  const results = await runModel(
    onnxBytes(exportGraph(graph, { inputs, initializers: [] })),
    new Map(inputs.map(({ name, shape }) => [name, { shape, values: values.get(name)! }])),
  )
  return new Map([...graph.outputs.keys()].map((name) => [name, results.get(outputName(name, inputs))!]))
}

/** The outputs of a model, computed by ONNX Runtime. */
export async function runModel(
  bytes: Uint8Array,
  feeds: ReadonlyMap<string, { shape: readonly number[]; values: ArrayLike<number> }>,
): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(bytes, OPTIONS)
  const inputs = [...feeds].map(([name, { shape, values }]) => {
    return [name, new OrtTensor('float32', Float32Array.from(values), shape)] as const
  })
  const results = await session.run(Object.fromEntries(inputs))
  const outputs = session.outputNames.map((name) => [name, results[name].data as Float32Array] as const)
  await session.release()
  return new Map(outputs)
}
