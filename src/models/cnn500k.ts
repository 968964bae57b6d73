/**
 * @file CNN500k, a small network of work on pruning at initialization (arXiv 2502.11450): 3x3 convolutions of
 * 32, 64, 64 and 32 channels, three 2x2 max-poolings, then 512-512-256-10 with dropout of 0.5 after the two
 * hidden layers. It has biases and no batch normalization, and 471,338 parameters. It is not known here where
 * exactly the original has its poolings and its dropout: these poolings follow the last three convolutions.
 * Weights begin as in PyTorch (`uniform`).
 */
import { convLayer } from '../graph/operators/conv.ts'
import { dropout } from '../graph/operators/dropout.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { ModelFamily } from './model.ts'

export const cnn500k: ModelFamily = {
  name: 'cnn500k',
  summary: 'four 3x3 convolutions, then 512-512-256-10, 471,338 parameters (arXiv 2502.11450)',
  image: [3, 32, 32],
  classes: 10,
  build(graph, images, training, { classes }) {
    let x = images
    for (const [i, width] of [32, 64, 64, 32].entries()) {
      x = relu(graph, convLayer(graph, x, `conv${i + 1}`, width, 3, { pad: 1, bias: true }))
      if (i > 0) x = maxPool(graph, x, { kernel: [2, 2] })
    }
    x = flatten(graph, x)
    for (const [name, width] of [
      ['fc1', 512],
      ['fc2', 256],
    ] as const)
      x = dropout(graph, relu(graph, linear(graph, x, name, width)), 0.5, training)
    return linear(graph, x, 'fc3', classes)
  },
}
