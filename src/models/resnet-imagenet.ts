/**
 * @file Residual networks for ImageNet (He et al. 2016), with the stride on the 3x3 convolution of a
 * bottleneck. The widening factor multiplies the base width of 64, from which all others follow (thin
 * networks of DSR, Mostafa & Wang 2019: 0.54 and 0.46). Weights begin as DSR's do (`he-normal-out`); the
 * last scale of a block is 1 like all others. Parameter names are torchvision's.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { maxPool } from '../graph/operators/pooling.ts'
import { basicBlock, bottleneck, classify, normalized } from './layers.ts'
import { type ModelFamily, widened } from './model.ts'

function imagenetResnet(
  name: string,
  layers: number,
  block: typeof bottleneck,
  depths: readonly [number, number, number, number],
): ModelFamily {
  const strides = block === bottleneck ? ', stride on the 3x3 convolutions' : ''
  return {
    name,
    summary: `ImageNet ResNet-${layers}${strides}, of any width (He et al. 2016)`,
    image: [3, 224, 224],
    resize: 256,
    classes: 1000,
    widen: 1,
    defaultInit: 'he-normal-out',
    build(graph, images, training, { classes, widen }) {
      const base = widened(64, widen)
      let x = relu(graph, normalized(graph, images, ['conv1', 'bn1'], base, 7, training, { stride: 2, pad: 3 }))
      x = maxPool(graph, x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
      for (const [stage, depth] of depths.entries())
        for (let i = 0; i < depth; i++) {
          const size = { width: base * 2 ** stage, stride: stage > 0 && i === 0 ? 2 : 1 }
          x = block(graph, x, `layer${stage + 1}.${i}`, { ...size, shortcut: 'downsample', training })
        }
      return classify(graph, x, 'fc', classes)
    },
  }
}

export const resnet18Imagenet = imagenetResnet('resnet18-imagenet', 18, basicBlock, [2, 2, 2, 2])
export const resnet34Imagenet = imagenetResnet('resnet34-imagenet', 34, basicBlock, [3, 4, 6, 3])
export const resnet50 = imagenetResnet('resnet50', 50, bottleneck, [3, 4, 6, 3])
export const resnet101Imagenet = imagenetResnet('resnet101-imagenet', 101, bottleneck, [3, 4, 23, 3])
export const resnet152Imagenet = imagenetResnet('resnet152-imagenet', 152, bottleneck, [3, 8, 36, 3])
