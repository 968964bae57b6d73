/**
 * @file MLPNet of WoodFisher and the Combinatorial Brain Surgeon: 784-40-20-10, ReLU, no biases. 32,360
 * weights.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const mlpnet: ModelFamily = {
  name: 'mlpnet',
  summary: '784-40-20-10 with ReLU, without biases, 32,360 weights (Singh & Alistarh 2020)',
  image: [1, 28, 28],
  classes: 10,
  build(graph, images, _training, { classes }) {
    let x = flatten(graph, images)
    x = relu(graph, linear(graph, x, 'fc1', 40, { bias: false }))
    x = relu(graph, linear(graph, x, 'fc2', 20, { bias: false }))
    return linear(graph, x, 'fc3', classes, { bias: false })
  },
}
