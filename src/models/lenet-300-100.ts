/**
 * @file LeNet-300-100 (LeCun et al. 1998): 784-300-100-10, ReLU, biases. 266,200 weights, 266,610 parameters.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const lenet300100: ModelFamily = {
  name: 'lenet-300-100',
  summary: '784-300-100-10 with ReLU and biases, 266,200 weights (LeCun et al. 1998)',
  image: [1, 28, 28],
  classes: 10,
  build(graph, images, _training, { classes }) {
    let x = flatten(graph, images)
    x = relu(graph, linear(graph, x, 'fc1', 300))
    x = relu(graph, linear(graph, x, 'fc2', 100))
    return linear(graph, x, 'fc3', classes)
  },
}
