/**
 * @file Pieces that several networks share. None of the convolutions has a bias: a batch normalization
 * follows.
 */
import type { Graph } from '../graph/graph.ts'
import { type ConvLayerOptions, convLayer } from '../graph/operators/conv.ts'
import { add, relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import { globalAveragePool } from '../graph/operators/pooling.ts'
import { flatten, pad, slice } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'

/** The options of a residual block. */
export interface BlockOptions {
  width: number
  stride: number
  /**
   * What stands in for the identity where a block changes the size or the channels: `padded` is {@link
   * padded} (option A of He et al.); any other value names the layers of a projection, `.0` its convolution
   * and `.1` its normalization (option B).
   */
  shortcut: 'shortcut' | 'downsample' | 'padded'
  training: boolean
}

/** conv-BN-ReLU-conv-BN, plus the shortcut, then ReLU (He et al. 2016). */
export function basicBlock(graph: Graph, x: Tensor, name: string, options: BlockOptions): Tensor {
  const { width, stride, training } = options
  const y = relu(graph, normalized(graph, x, [`${name}.conv1`, `${name}.bn1`], width, 3, training, { stride, pad: 1 }))
  const residual = normalized(graph, y, [`${name}.conv2`, `${name}.bn2`], width, 3, training, { pad: 1 })
  return relu(graph, add(graph, residual, projected(graph, x, name, width, options)))
}

/**
 * Three convolutions, 1x1, 3x3 (which has the stride) and 1x1 to four times the width; everything else is as
 * in {@link basicBlock}.
 */
export function bottleneck(graph: Graph, x: Tensor, name: string, options: BlockOptions): Tensor {
  const { width, stride, training } = options
  let y = relu(graph, normalized(graph, x, [`${name}.conv1`, `${name}.bn1`], width, 1, training))
  y = relu(graph, normalized(graph, y, [`${name}.conv2`, `${name}.bn2`], width, 3, training, { stride, pad: 1 }))
  const residual = normalized(graph, y, [`${name}.conv3`, `${name}.bn3`], 4 * width, 1, training)
  return relu(graph, add(graph, residual, projected(graph, x, name, 4 * width, options)))
}

/**
 * The shortcut of a block: x itself, or, where the block changes the size or the channels, {@link padded} or
 * a projection (a 1x1 convolution with batch normalization).
 */
function projected(graph: Graph, x: Tensor, name: string, channels: number, options: BlockOptions): Tensor {
  const { stride, shortcut, training } = options
  if (stride === 1 && x.shape[1] === channels) return x
  if (shortcut === 'padded') return padded(graph, x, channels, stride)
  return normalized(graph, x, [`${name}.${shortcut}.0`, `${name}.${shortcut}.1`], channels, 1, training, { stride })
}

/** x at every `stride`-th row and column, followed by channels of zeros: a shortcut without parameters. */
function padded(graph: Graph, x: Tensor, channels: number, stride: number): Tensor {
  const [n, c, h, w] = x.shape
  const shape = [n, c, Math.ceil(h / stride), Math.ceil(w / stride)]
  return pad(graph, slice(graph, x, [0, 0, 0, 0], shape, [1, 1, stride, stride]), [0, 0, 0, 0], [0, channels - c, 0, 0])
}

/** A convolution and its batch normalization, which are called by the two names. */
export function normalized(
  graph: Graph,
  x: Tensor,
  [conv, norm]: readonly [string, string],
  channels: number,
  kernel: number,
  training: boolean,
  options: ConvLayerOptions = {},
): Tensor {
  return batchNorm(graph, convLayer(graph, x, conv, channels, kernel, options), norm, training)
}

/** Global average pooling and a linear classifier. */
export function classify(graph: Graph, x: Tensor, name: string, classes: number): Tensor {
  return linear(graph, flatten(graph, globalAveragePool(graph, x)), name, classes)
}
