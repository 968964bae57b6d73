/**
 * @file MobileNetV2 for ImageNet (Sandler et al. 2018): a 3x3 stem of stride 2, 17 inverted residuals, a 1x1
 * convolution to 1280 channels, global average pooling, linear. Parameter names are torchvision's; its
 * dropout before the classifier is left out. Weights begin as in PyTorch (`uniform`).
 */
import { relu6 } from '../graph/operators/elementwise.ts'
import { invertedResidual } from './inverted-residual.ts'
import { classify, normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

/** Widening, channels, blocks, and the stride of the first of them (table 2 of the paper). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const

export const mobilenetV2: ModelFamily = {
  name: 'mobilenet-v2',
  summary: 'ImageNet MobileNetV2, inverted residuals, 3,504,872 parameters (Sandler et al. 2018)',
  image: [3, 224, 224],
  resize: 256,
  classes: 1000,
  build(graph, images, training, { classes }) {
    const stem = { stride: 2, pad: 1 }
    let x = relu6(graph, normalized(graph, images, ['features.0.0', 'features.0.1'], 32, 3, training, stem))
    let block = 0
    for (const [expand, width, blocks, first] of STAGES)
      for (let i = 0; i < blocks; i++) {
        const names = namesOf(`features.${++block}.conv`, expand)
        const stride = i === 0 ? first : 1
        x = invertedResidual(graph, x, { expand, width, kernel: 3, stride, training, names })
      }
    const last = `features.${block + 1}`
    x = relu6(graph, normalized(graph, x, [`${last}.0`, `${last}.1`], 1280, 1, training))
    return classify(graph, x, 'classifier.1', classes)
  },
}

/** A convolution with an activation is a sequence inside that of the block, the last one is not. */
function namesOf(block: string, expand: number) {
  const depthwise = expand === 1 ? 0 : 1
  const inside = (i: number) => [`${block}.${i}.0`, `${block}.${i}.1`] as const
  return {
    expand: inside(0),
    depthwise: inside(depthwise),
    project: [`${block}.${depthwise + 1}`, `${block}.${depthwise + 2}`] as const,
  }
}
