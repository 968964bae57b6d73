/**
 * @file Residual networks for CIFAR (He et al. 2016, section 4.2): a 3x3 stem, three stages of basic blocks with 16, 32 and 64
 * channels, global average pooling, a linear classifier. Where a block changes the size, its shortcut is a 1x1 convolution with batch
 * normalization. Parameter names are those of the published ResNet-20 checkpoint of WoodFisher.
 */
import type { Graph } from '../graph/graph.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { add, relu } from '../graph/operators/elementwise.ts'
import { linear } from '../graph/operators/linear.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import { globalAveragePool } from '../graph/operators/pooling.ts'
import { flatten } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from './model.ts'

/** A network of 6 n + 2 layers. */
function resnetCifar(n: number, summary: string): Model {
  return {
    name: `resnet${6 * n + 2}`,
    summary,
    image: [3, 32, 32],
    classes: 10,
    build(graph, images, training) {
      let x = relu(graph, batchNorm(graph, convLayer(graph, images, 'conv1', 16, 3, { pad: 1 }), 'bn1', training))
      for (const [stage, width] of [16, 32, 64].entries())
        for (let block = 0; block < n; block++) {
          const stride = stage > 0 && block === 0 ? 2 : 1
          x = basicBlock(graph, x, `layer${stage + 1}.${block}`, width, stride, training)
        }
      return linear(graph, flatten(graph, globalAveragePool(graph, x)), 'fc', 10)
    },
  }
}

/** conv-BN-ReLU-conv-BN, plus the shortcut, then ReLU. */
function basicBlock(graph: Graph, x: Tensor, name: string, width: number, stride: number, training: boolean): Tensor {
  const normalized = (input: Tensor, conv: string, norm: string, kernel: number, step: number, pad: number) =>
    batchNorm(graph, convLayer(graph, input, `${name}.${conv}`, width, kernel, { stride: step, pad }), `${name}.${norm}`, training)
  const y = relu(graph, normalized(x, 'conv1', 'bn1', 3, stride, 1))
  const residual = normalized(y, 'conv2', 'bn2', 3, 1, 1)
  const same = stride === 1 && x.shape[1] === width
  const shortcut = same ? x : normalized(x, 'downsample.0', 'downsample.1', 1, stride, 0)
  return relu(graph, add(graph, residual, shortcut))
}

export const resnet20 = resnetCifar(3, 'CIFAR ResNet-20, widths 16-32-64, 1x1 shortcuts (He et al. 2016)')
export const resnet56 = resnetCifar(9, 'CIFAR ResNet-56, widths 16-32-64, 1x1 shortcuts (He et al. 2016)')
