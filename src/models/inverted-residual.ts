/**
 * @file The block of MobileNetV2 (Sandler et al. 2018), which EfficientNet-Lite has too: a 1x1 convolution
 * widens, a depthwise one filters, and a 1x1 convolution without an activation narrows again. Each has batch
 * normalization; the first two are followed by ReLU6.
 */
import type { Graph } from '../graph/graph.ts'
import { add, relu6 } from '../graph/operators/elementwise.ts'
import type { Tensor } from '../graph/tensor.ts'
import { normalized } from './layers.ts'

/** The names of a convolution and of its batch normalization. */
type Names = readonly [string, string]

export interface InvertedResidualOptions {
  /** How many times the channels are widened; with 1 there is no convolution that widens. */
  expand: number
  /** Channels of the output. */
  width: number
  /** Side of the depthwise kernel, which has the stride. */
  kernel: number
  stride: number
  training: boolean
  /** Names of the three convolutions. The first ones are not used with `expand` 1. */
  names: { expand: Names; depthwise: Names; project: Names }
}

/** The input is added to the output where both have the same shape. */
export function invertedResidual(graph: Graph, x: Tensor, options: InvertedResidualOptions): Tensor {
  const { expand, width, kernel, stride, training, names } = options
  const channels = x.shape[1]
  const hidden = expand * channels
  const wide = expand === 1 ? x : relu6(graph, normalized(graph, x, names.expand, hidden, 1, training))
  const filter = { stride, pad: (kernel - 1) / 2, group: hidden }
  const filtered = relu6(graph, normalized(graph, wide, names.depthwise, hidden, kernel, training, filter))
  const y = normalized(graph, filtered, names.project, width, 1, training)
  return stride === 1 && width === channels ? add(graph, y, x) : y
}
