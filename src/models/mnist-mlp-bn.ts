/**
 * @file The MNIST network of DSR (Mostafa & Wang 2019): 784-300-100-10 without biases. A batch normalization
 * follows every linear layer, that of the logits included, with ReLU between layers. It has 266,200 weights
 * and 267,020 parameters, which begin with `uniform`.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const mnistMlpBn: ModelFamily = {
  name: 'mnist-mlp-bn',
  summary:
    '784-300-100-10 without biases, batch normalization after every layer, 266,200 weights (Mostafa & Wang 2019)',
  image: [1, 28, 28],
  classes: 10,
  build(graph, images, training, { classes }) {
    let x = flatten(graph, images)
    for (const [i, width] of [300, 100, classes].entries()) {
      if (i > 0) x = relu(graph, x)
      x = batchNorm(graph, linear(graph, x, `fc${i + 1}`, width, { bias: false }), `bn${i + 1}`, training)
    }
    return x
  },
}
