/**
 * @file Further networks for CIFAR of GSM's code (Ding et al. 2019): VGG-16 with a hidden layer of 512,
 * Krizhevsky's quick network with batch normalization, and a MobileNetV1 of a quarter of the channels. None
 * of the convolutions has a bias: a batch normalization and ReLU follow.
 */
import type { Graph } from '../graph/graph.ts'
import type { ConvLayerOptions } from '../graph/operators/conv.ts'
import { relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { averagePool, maxPool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'
import { classify, normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

const common = { image: [3, 32, 32], classes: 10, defaultInit: 'xavier-uniform' } as const

/** Makes the convolution of that number, with its batch normalization and ReLU. */
const numbered =
  (graph: Graph, training: boolean) =>
  (x: Tensor, number: number, width: number, kernel: number, options: ConvLayerOptions): Tensor =>
    relu(graph, normalized(graph, x, [`conv${number}`, `bn${number}`], width, kernel, training, options))

/** Widths of the convolutions between two poolings. */
const STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
]

export const vgg16Gsm: ModelFamily = {
  ...common,
  name: 'vgg16-gsm',
  summary: "CIFAR VGG-16 of GSM's code, batch normalization, 512-512-10 at the end (Ding et al. 2019)",
  build(graph, images, training, { classes }) {
    const conv = numbered(graph, training)
    let x = images
    let number = 0
    for (const widths of STAGES) {
      for (const width of widths) x = conv(x, ++number, width, 3, { pad: 1 })
      x = maxPool(graph, x, { kernel: [2, 2] })
    }
    x = relu(graph, linear(graph, flatten(graph, x), 'fc1', 512))
    return linear(graph, x, 'fc2', classes)
  },
}

export const cifarQuickBn: ModelFamily = {
  ...common,
  name: 'cifar-quick-bn',
  summary: "three 5x5 convolutions with batch normalization, then 576-64-10, of GSM's code (after Krizhevsky)",
  build(graph, images, training, { classes }) {
    const conv = numbered(graph, training)
    const pool = { kernel: [3, 3], strides: [2, 2] } as const
    let x = maxPool(graph, conv(images, 1, 32, 5, { pad: 2 }), pool)
    x = averagePool(graph, conv(x, 2, 32, 5, { pad: 2 }), pool)
    x = averagePool(graph, conv(x, 3, 64, 5, { pad: 2 }), pool)
    x = relu(graph, linear(graph, flatten(graph, x), 'fc1', 64))
    return linear(graph, x, 'fc2', classes)
  },
}

/**
 * The channels of each depthwise-separable block of the MobileNet; the first of 128 and of 256 has stride
 * 2.
 */
const CHANNELS = [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256]

export const mobilenetV1Cifar: ModelFamily = {
  ...common,
  name: 'mobilenet-v1-cifar',
  summary: "CIFAR MobileNetV1 of GSM's code, channels from 16 to 256 (after Howard et al. 2017)",
  build(graph, images, training, { classes }) {
    let x = relu(graph, normalized(graph, images, ['stem.conv', 'stem.bn'], 16, 3, training, { pad: 1 }))
    for (const [i, width] of CHANNELS.entries()) {
      const channels = x.shape[1]
      const names = (part: string) => [`blocks.${i}.${part}`, `blocks.${i}.${part}_bn`] as const
      const options = { stride: width >= 128 && width > channels ? 2 : 1, pad: 1, group: channels }
      x = relu(graph, normalized(graph, x, names('depthwise'), channels, 3, training, options))
      x = relu(graph, normalized(graph, x, names('pointwise'), width, 1, training))
    }
    return classify(graph, x, 'fc', classes)
  },
}
