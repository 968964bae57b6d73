/**
 * @file The residual networks of ImageNet (He et al. 2016) with a stem for CIFAR: 3x3, stride 1, no pooling.
 * Four stages of 64, 128, 256 and 512 channels with strides 1, 2, 2, 2; projections are 1x1 convolutions with
 * batch normalization. These are the networks of most work on pruning at initialization; weights begin there
 * as in PyTorch (`uniform`).
 */
import { relu } from '../graph/operators/elementwise.ts'
import { basicBlock, bottleneck, classify, normalized } from './layers.ts'
import type { ModelFamily } from './model.ts'

type Block = typeof basicBlock

function resnetWide(name: string, block: Block, depths: readonly number[], summary: string): ModelFamily {
  return {
    name,
    summary,
    image: [3, 32, 32],
    classes: 10,
    build(graph, images, training, { classes }) {
      let x = relu(graph, normalized(graph, images, ['conv1', 'bn1'], 64, 3, training, { pad: 1 }))
      for (const [stage, depth] of depths.entries())
        for (let i = 0; i < depth; i++) {
          const size = { width: 64 * 2 ** stage, stride: stage > 0 && i === 0 ? 2 : 1 }
          x = block(graph, x, `layer${stage + 1}.${i}`, { ...size, shortcut: 'shortcut', training })
        }
      return classify(graph, x, 'linear', classes)
    },
  }
}

const summary = (layers: number) => `ResNet-${layers} with a 3x3 stem for CIFAR, widths 64-512 (He et al. 2016)`
export const resnet18 = resnetWide('resnet18', basicBlock, [2, 2, 2, 2], summary(18))
export const resnet34 = resnetWide('resnet34', basicBlock, [3, 4, 6, 3], summary(34))
export const resnet50Cifar = resnetWide('resnet50-cifar', bottleneck, [3, 4, 6, 3], summary(50))
export const resnet101Cifar = resnetWide('resnet101-cifar', bottleneck, [3, 4, 23, 3], summary(101))
export const resnet152Cifar = resnetWide('resnet152-cifar', bottleneck, [3, 8, 36, 3], summary(152))
