/**
 * @file The sigmoid at the end of a model with one score per sample, which the loss does without as it does
 * without a closing softmax.
 */
import type { Graph } from '../../graph/graph.ts'
import { reshape } from '../../graph/operators/shape.ts'
import type { Tensor } from '../../graph/tensor.ts'

/** What only gives a score another shape. */
const reshapes = ['Reshape', 'Flatten']

/**
 * The logit [N, 1] that a sigmoid makes the output [N, 1] of, also where its shape is changed in between,
 * which leaves the samples of a batch where they are; undefined where none does.
 */
export function beforeSigmoid(graph: Graph, output: Tensor): Tensor | undefined {
  if (output.shape.length !== 2 || output.shape[1] !== 1) return undefined
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)))
  const inPlace = ({ batched }: Tensor) => batched || output.shape[0] === 1
  let maker = makers.get(output)
  while (maker && reshapes.includes(maker.operator.name) && inPlace(maker.inputs[0]))
    maker = makers.get(maker.inputs[0])
  if (maker?.operator.name !== 'Sigmoid') return undefined
  const [logit] = maker.inputs
  return inPlace(logit) ? reshape(graph, logit, output.shape, true) : undefined
}
