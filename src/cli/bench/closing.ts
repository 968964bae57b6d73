/**
 * @file What a file applies to its logits at the end, which SparseModel leaves out: a softmax over classes,
 * or the sigmoid of its one score.
 */
import type { OnnxFile } from '../../formats/onnx/file.ts'
import type { Model } from '../../models/model.ts'

/** Of one row of scores. */
type Closing = (row: Float32Array) => Float32Array

/** The output that the logits of a network, [N, classes], become in a file. */
export function closed(logits: Float32Array, { classes, closing }: Model, file?: OnnxFile): Float32Array {
  const output = Float32Array.from(logits)
  for (const close of [...(closing ? [sigmoid] : []), ...(file ? closingsOf(file) : [])])
    for (let at = 0; at < output.length; at += classes) output.set(close(output.subarray(at, at + classes)), at)
  return output
}

/** Those at the end of the way to the first output, the first of them first. */
function closingsOf({ graph }: OnnxFile): Closing[] {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)))
  const found: Closing[] = []
  for (let maker = makers.get(graph.output[0].name); maker; maker = makers.get(maker.input[0])) {
    if (maker.opType === 'Softmax') found.unshift(softmax)
    else if (maker.opType === 'LogSoftmax') found.unshift(logSoftmax)
    else if (maker.opType !== 'Identity') break
  }
  return found
}

const sigmoid: Closing = (row) => row.map((x) => 1 / (1 + Math.exp(-x)))

const logSoftmax: Closing = (row) => {
  const most = row.reduce((a, b) => Math.max(a, b))
  const sum = row.reduce((all, x) => all + Math.exp(x - most), 0)
  return row.map((x) => x - most - Math.log(sum))
}

const softmax: Closing = (row) => logSoftmax(row).map((x) => Math.exp(x))
