/** @file A small network of two convolutions with batch normalization and a linear layer, on 5 x 5 pixels. */
import { convLayer } from '../../src/graph/operators/conv.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Model } from '../../src/models/model.ts'

/** Weights: conv1 27, conv2 54, fc 32. */
export const tinyConv: Model = {
  name: 'tiny-conv',
  summary: 'for tests',
  image: [1, 5, 5],
  classes: 4,
  build(graph, images, training) {
    let x = convLayer(graph, images, 'conv1', 3, 3, { pad: 1 })
    x = relu(graph, batchNorm(graph, x, 'bn1', training))
    x = relu(graph, batchNorm(graph, convLayer(graph, x, 'conv2', 2, 3, { stride: 2 }), 'bn2', training))
    return linear(graph, flatten(graph, x), 'fc', 4)
  },
}
