/**
 * @file LeNet-5 with Caffe's widths (after LeCun et al. 1998): two 5x5 convolutions of 20 and 50 channels
 * without padding, each with ReLU and 2x2 max-pooling, then 800-500-10; biases everywhere. 430,500 weights,
 * 431,080 parameters. GSM (Ding et al. 2019) begins with `xavier-uniform`. Caffe's own has no ReLU after the
 * convolutions.
 */
import { convLayer } from '../graph/operators/conv.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const lenet5: ModelFamily = {
  name: 'lenet-5',
  summary: 'two 5x5 convolutions of 20 and 50 channels, then 800-500-10, 430,500 weights (after LeCun et al. 1998)',
  image: [1, 28, 28],
  classes: 10,
  defaultInit: 'xavier-uniform',
  build(graph, images, _training, { classes }) {
    let x = images
    for (const [name, width] of [
      ['conv1', 20],
      ['conv2', 50],
    ] as const)
      x = maxPool(graph, relu(graph, convLayer(graph, x, name, width, 5, { bias: true })), { kernel: [2, 2] })
    x = relu(graph, linear(graph, flatten(graph, x), 'fc1', 500))
    return linear(graph, x, 'fc2', classes)
  },
}
