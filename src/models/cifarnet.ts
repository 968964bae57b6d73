/**
 * @file CIFARNet of WoodFisher and the Combinatorial Brain Surgeon (after Krizhevsky's cuda-convnet): three
 * 5x5 convolutions with 3x3 pooling of stride 2, then 576-64-10. Convolutions have no biases, as with the
 * Brain Surgeon (Yu et al. 2022); WoodFisher's have. 116,704 weights. Weights begin as in PyTorch
 * (`uniform`).
 */
import { convLayer } from '../graph/operators/conv.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { averagePool, maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const cifarnet: ModelFamily = {
  name: 'cifarnet',
  summary: 'three 5x5 convolutions of 32, 32 and 64 channels, then 576-64-10, 116,704 weights (Yu et al. 2022)',
  image: [3, 32, 32],
  classes: 10,
  build(graph, images, _training, { classes }) {
    const pool = { kernel: [3, 3], strides: [2, 2] } as const
    let x = relu(graph, maxPool(graph, convLayer(graph, images, 'conv1', 32, 5, { pad: 2 }), pool))
    x = averagePool(graph, relu(graph, convLayer(graph, x, 'conv2', 32, 5, { pad: 2 })), pool)
    x = averagePool(graph, relu(graph, convLayer(graph, x, 'conv3', 64, 5, { pad: 2 })), pool)
    x = relu(graph, linear(graph, flatten(graph, x), 'fc1', 64))
    return linear(graph, x, 'fc2', classes)
  },
}
