/** @file What a file closes an output with: a softmax, its logarithm, a sigmoid, or none of these. */
import type { OnnxFile } from '../onnx/file.ts'
import { Operation } from '../onnx/operation.ts'

export type Closing = 'softmax' | 'log-softmax' | 'sigmoid'

/** What only passes numbers on. */
const PASSING = ['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']

/** Of an output of `rank` axes; a softmax counts where it is one over the last of them. */
export function closingOf({ graph, opset }: OnnxFile, output: string, rank: number): Closing | undefined {
  let name = output
  for (;;) {
    const node = graph.node.find((one) => one.output.includes(name))
    if (!node) return undefined
    const operation = new Operation(node, opset)
    if (operation.op === 'Sigmoid') return 'sigmoid'
    if (operation.op === 'Softmax' || operation.op === 'LogSoftmax') {
      const axis = operation.integer('axis', opset < 13 ? 1 : -1)
      const isLast = name === output ? [-1, rank - 1].includes(axis) : false
      return !isLast ? undefined : operation.op === 'Softmax' ? 'softmax' : 'log-softmax'
    }
    if (!PASSING.includes(operation.op)) return undefined
    name = operation.inputs[0]
  }
}
