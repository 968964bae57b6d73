/**
 * @file AlexNet for ImageNet with batch normalization, as GSM's code has it (Ding et al. 2019; after
 * Krizhevsky 2014): convolutions of 64, 192, 384, 384 and 256 channels without biases, then
 * 9216-4096-4096-1000 with dropout of one half.
 */
import { dropout } from '../graph/operators/dropout.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import { normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

/** Of each convolution: channels, side of the kernel, stride, padding, and whether a pooling follows. */
const convolutions = [
  [64, 11, 4, 2, true],
  [192, 5, 1, 2, true],
  [384, 3, 1, 1, false],
  [384, 3, 1, 1, false],
  [256, 3, 1, 1, true],
] as const

export const alexnetBn: ModelFamily = {
  name: 'alexnet-bn',
  summary: "ImageNet AlexNet with batch normalization, of GSM's code (Ding et al. 2019)",
  image: [3, 224, 224],
  resize: 256,
  classes: 1000,
  defaultInit: 'xavier-uniform',
  build(graph, images, training, { classes }) {
    let x = images
    for (const [i, [width, kernel, stride, pad, pools]] of convolutions.entries()) {
      const names = [`conv${i + 1}`, `bn${i + 1}`] as const
      x = relu(graph, normalized(graph, x, names, width, kernel, training, { stride, pad }))
      if (pools) x = maxPool(graph, x, { kernel: [3, 3], strides: [2, 2] })
    }
    x = flatten(graph, x)
    for (const name of ['fc1', 'fc2']) x = dropout(graph, relu(graph, linear(graph, x, name, 4096)), 0.5, training)
    return linear(graph, x, 'fc3', classes)
  },
}
