/** @file Built-in networks with random weights, as ONNX models. */
import { exportNetwork, inferenceGraph } from '../../../src/formats/onnx/export.ts'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { findModel } from '../../../src/models/index.ts'
import { random } from '../../../src/util/random.ts'

/** A network with random weights, statistics that differ from channel to channel, and this share of zeros. */
export function randomNetwork(name: string, sparsity = 0) {
  const model = findModel(name)
  const graph = inferenceGraph(model)
  const values = new Map(
    [...graph.withRole('parameter'), ...graph.withRole('buffer')].map((tensor) => {
      const draw = random(1, tensor.name)
      const fan = typeof tensor.initial === 'object' ? tensor.initial.in : 1
      // Few numbers, repeated: millions take longer to draw than all the rest.
      const drawn = Float32Array.from({ length: 4099 }, () =>
        tensor.shape.length === 1
          ? Number(tensor.initial === 1) + 0.2 * draw.uniform()
          : draw.uniform() < sparsity
            ? 0
            : draw.normal() * Math.sqrt(2 / fan),
      )
      const values = new Float32Array(sizeOf(tensor.shape))
      for (let at = 0; at < values.length; at += drawn.length) values.set(drawn.subarray(0, values.length - at), at)
      return [tensor.name, values]
    }),
  )
  return { model, values, proto: exportNetwork({ model, values: (tensor) => values.get(tensor)! }) }
}
