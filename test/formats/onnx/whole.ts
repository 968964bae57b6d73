/** @file Everything that a model computes, run here and by ONNX Runtime on the same inputs. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { expect } from 'vitest'
import { compile } from '../../../src/engine/compile.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { best } from '../../support/engines.ts'
import { type Written, written } from './build.ts'
import { normal } from './same.ts'

/**
 * Runs a model here and in ONNX Runtime on some samples (`batch`, default 3; the number that the file is
 * written for, where it says one). Shapes and values are compared; `values` are those of x, by default normally
 * distributed ones.
 */
export async function expectWhole(
  model: Written,
  { batch = 3, tolerance = 2e-5, values }: { batch?: number; tolerance?: number; values?: readonly number[] } = {},
): Promise<void> {
  const bytes = written(model)
  const shape = model.input.map((n) => (n < 0 ? batch : n))
  const x = Float32Array.from(values ?? normal(shape, 'x'))
  const { graph, values: stored } = wholeNetwork(parseOnnx(bytes, 'model.onnx'), {}, shape[0])
  const executable = compile(best, { whole: graph })
  for (const [name, numbers] of stored) executable.view(name).set(numbers)
  executable.write('whole', graph.withRole('input')[0].name, x)
  executable.run('whole')

  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 })
  const results = await session.run({ x: new OrtTensor('float32', x, shape) })
  await session.release()
  for (const [name, tensor] of graph.outputs) {
    const { dims, data } = results[name]
    expect(tensor.shape, name).toEqual(dims)
    const got = executable.read('whole', name)
    const want = Array.from(data as ArrayLike<number | bigint>, Number)
    const largest = want.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1)
    want.forEach((value, i) => {
      const agrees = Object.is(got[i], value) || Math.abs(got[i] - value) <= tolerance * largest
      if (!agrees) throw new Error(`${name}[${i}] is ${got[i]}, expected ${value} (${model.steps.map(({ op }) => op)})`)
    })
  }
}
