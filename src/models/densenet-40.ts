/**
 * @file DenseNet-40 with growth rate 12 for CIFAR (Huang et al. 2017), without bottlenecks or compression: a
 * 3x3 stem of 16 channels and three blocks of 12 layers, each BN-ReLU-conv 3x3 to 12 channels that are joined
 * to its input; between blocks BN-ReLU-conv 1x1 and 2x2 average pooling; at the end BN-ReLU, global average
 * pooling, 448-10. 1,001,616 weights. Huang et al. begin with `he-normal`.
 */
import type { Graph } from '../graph/graph.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import { averagePool } from '../graph/operators/pooling.ts'
import { concat } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'
import { classify } from './layers.ts'
import type { ModelFamily } from './model.ts'

const GROWTH = 12
const LAYERS = 12

export const densenet40: ModelFamily = {
  name: 'densenet-40',
  summary: 'CIFAR DenseNet-40, growth rate 12, 1,001,616 weights (Huang et al. 2017)',
  image: [3, 32, 32],
  classes: 10,
  defaultInit: 'he-normal',
  build(graph, images, training, { classes }) {
    let x = convLayer(graph, images, 'conv1', 16, 3, { pad: 1 })
    for (const block of [1, 2, 3]) {
      for (let layer = 0; layer < LAYERS; layer++)
        x = concat(graph, [x, preActivated(graph, x, `block${block}.${layer}`, GROWTH, 3, training)])
      if (block === 3) break
      x = preActivated(graph, x, `transition${block}`, x.shape[1], 1, training)
      x = averagePool(graph, x, { kernel: [2, 2] })
    }
    return classify(graph, relu(graph, batchNorm(graph, x, 'bn', training)), 'fc', classes)
  },
}

/** Batch normalization, ReLU and a convolution without bias that keeps the size of the maps. */
function preActivated(
  graph: Graph,
  x: Tensor,
  name: string,
  channels: number,
  kernel: number,
  training: boolean,
): Tensor {
  const active = relu(graph, batchNorm(graph, x, `${name}.bn`, training))
  return convLayer(graph, active, `${name}.conv`, channels, kernel, { pad: (kernel - 1) / 2 })
}
