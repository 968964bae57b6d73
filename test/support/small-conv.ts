/**
 * @file A convolutional network with batch normalization, pooling and a linear layer, of 153 prunable
 * weights.
 */
import { type SyntheticOptions, synthetic } from '../../src/data/synthetic.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { maxPool } from '../../src/graph/operators/pooling.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Model } from '../../src/models/model.ts'
import type { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'

export const smallConv: Model = {
  name: 'small-conv',
  summary: 'for tests',
  image: [1, 6, 6],
  classes: 4,
  build(graph, images, training) {
    let x = convLayer(graph, images, 'conv1', 3, 3, { pad: 1 })
    x = maxPool(graph, relu(graph, batchNorm(graph, x, 'bn1', training)), { kernel: [2, 2] })
    x = relu(graph, batchNorm(graph, convLayer(graph, x, 'conv2', 2, 3, { pad: 1 }), 'bn2', training))
    return linear(graph, flatten(graph, x), 'fc', 4)
  },
}

export const smallImages = (options: SyntheticOptions = {}) =>
  synthetic({ image: smallConv.image, classes: 4, train: 24, test: 8, ...options })

/** Running statistics, scales and shifts that do something; variances are positive. */
export function stirBatchNorm(network: Network): void {
  const draw = random(1, 'batch normalization')
  for (const { name } of network.stored.filter(({ name }) => name.startsWith('bn')))
    network.values(name).set(Float32Array.from(network.values(name), () => 0.5 + draw.uniform()))
}
