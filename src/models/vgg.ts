/**
 * @file VGG (Simonyan & Zisserman 2015) for CIFAR with batch normalization: 3x3 convolutions with biases, BN,
 * ReLU; 2x2 max-pooling after each of five stages of 64, 128, 256, 512 and 512 channels; one linear layer.
 * The variant of most work on pruning at initialization, where weights begin as in PyTorch (`uniform`).
 */
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import { normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

/** `depths`: convolutions in each stage. */
function vgg(...depths: readonly [number, number, number, number, number]): ModelFamily {
  const layers = depths.reduce((sum, depth) => sum + depth, 0) + 3
  return {
    name: `vgg${layers}`,
    summary: `VGG-${layers} with batch normalization and one linear layer for CIFAR (Simonyan & Zisserman 2015)`,
    image: [3, 32, 32],
    classes: 10,
    build(graph, images, training, { classes }) {
      let x = images
      let layer = 1
      for (const [stage, depth] of depths.entries()) {
        for (let i = 0; i < depth; i++, layer++) {
          const options = { pad: 1, bias: true }
          const width = Math.min(64 * 2 ** stage, 512)
          x = relu(graph, normalized(graph, x, [`conv${layer}`, `bn${layer}`], width, 3, training, options))
        }
        x = maxPool(graph, x, { kernel: [2, 2] })
      }
      return linear(graph, flatten(graph, x), 'linear', classes)
    },
  }
}

export const vgg11 = vgg(1, 1, 2, 2, 2)
export const vgg13 = vgg(2, 2, 2, 2, 2)
export const vgg16 = vgg(2, 2, 3, 3, 3)
export const vgg19 = vgg(2, 2, 4, 4, 4)
