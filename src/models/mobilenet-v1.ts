/**
 * @file MobileNetV1 for ImageNet (Howard et al. 2017): a 3x3 stem of stride 2, 13 depthwise-separable blocks
 * (3x3 depthwise, 1x1 pointwise, each with BN and ReLU), global average pooling, linear. 4,209,088 weights,
 * depthwise ones included, as WoodFisher (Singh & Alistarh 2020) counts them. They begin as in PyTorch
 * (`uniform`), since it is not known here how that paper's dense checkpoint began.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { classify, normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

/** The channels and the stride of each block. */
const blocks = [
  [64, 1] as const,
  [128, 2] as const,
  [128, 1] as const,
  [256, 2] as const,
  [256, 1] as const,
  [512, 2] as const,
  ...Array.from({ length: 5 }, () => [512, 1] as const),
  [1024, 2] as const,
  [1024, 1] as const,
]

export const mobilenetV1: ModelFamily = {
  name: 'mobilenet-v1',
  summary: 'ImageNet MobileNetV1, depthwise-separable convolutions, 4,209,088 weights (Howard et al. 2017)',
  image: [3, 224, 224],
  resize: 256,
  classes: 1000,
  build(graph, images, training, { classes }) {
    const stem = { stride: 2, pad: 1 }
    let x = relu(graph, normalized(graph, images, ['stem.conv', 'stem.bn'], 32, 3, training, stem))
    for (const [i, [width, stride]] of blocks.entries()) {
      const channels = x.shape[1]
      const names = (part: string) => [`blocks.${i}.${part}`, `blocks.${i}.${part}_bn`] as const
      const options = { stride, pad: 1, group: channels }
      x = relu(graph, normalized(graph, x, names('depthwise'), channels, 3, training, options))
      x = relu(graph, normalized(graph, x, names('pointwise'), width, 1, training))
    }
    return classify(graph, x, 'fc', classes)
  },
}
