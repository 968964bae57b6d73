/**
 * @file EfficientNet-Lite0 for ImageNet: EfficientNet-B0 (Tan & Le 2019) with ReLU6 in the place of swish and
 * without squeeze-and-excitation, as published in the code of Tan & Le (tensorflow/tpu, efficientnet/lite). A
 * 3x3 stem of stride 2, 16 inverted residuals of 3x3 or 5x5 depthwise kernels, a 1x1 convolution to 1280
 * channels, global average pooling, linear. Parameter names, and borders that are the same on all sides, are
 * those of the timm package (`efficientnet_lite0`); dropout and dropped blocks are left out. Weights begin as
 * in PyTorch (`uniform`).
 */
import { relu6 } from '../graph/operators/elementwise.ts'
import { invertedResidual } from './inverted-residual.ts'
import { classify, normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

/** Widening, channels, blocks, the side of the kernels, and the stride of the first block. */
const STAGES = [
  [1, 16, 1, 3, 1],
  [6, 24, 2, 3, 2],
  [6, 40, 2, 5, 2],
  [6, 80, 3, 3, 2],
  [6, 112, 3, 5, 1],
  [6, 192, 4, 5, 2],
  [6, 320, 1, 3, 1],
] as const

export const efficientnetLite0: ModelFamily = {
  name: 'efficientnet-lite0',
  summary: 'ImageNet EfficientNet-Lite0, inverted residuals, 4,652,008 parameters (after Tan & Le 2019)',
  image: [3, 224, 224],
  resize: 256,
  classes: 1000,
  build(graph, images, training, { classes }) {
    let x = relu6(graph, normalized(graph, images, ['conv_stem', 'bn1'], 32, 3, training, { stride: 2, pad: 1 }))
    for (const [stage, [expand, width, blocks, kernel, first]] of STAGES.entries())
      for (let i = 0; i < blocks; i++) {
        const names = namesOf(`blocks.${stage}.${i}`, expand)
        const stride = i === 0 ? first : 1
        x = invertedResidual(graph, x, { expand, width, kernel, stride, training, names })
      }
    x = relu6(graph, normalized(graph, x, ['conv_head', 'bn2'], 1280, 1, training))
    return classify(graph, x, 'classifier', classes)
  },
}

/** A block that does not widen calls its 1x1 convolution `conv_pw`, others the narrowing one `conv_pwl`. */
function namesOf(block: string, expand: number) {
  const named = (conv: string, norm: string) => [`${block}.${conv}`, `${block}.${norm}`] as const
  const expanded = named('conv_pw', 'bn1')
  return expand === 1
    ? { expand: expanded, depthwise: named('conv_dw', 'bn1'), project: named('conv_pw', 'bn2') }
    : { expand: expanded, depthwise: named('conv_dw', 'bn2'), project: named('conv_pwl', 'bn3') }
}
