/**
 * @file The wide residual networks of GSM's code (Ding et al. 2019; after Zagoruyko & Komodakis 2016),
 * which are not those of wide-resnet.ts: the 1x1 convolution that is the shortcut of the first block of
 * every group has a batch normalization and ReLU of its own before it, and no ReLU follows the last batch
 * normalization. With dropout, three tenths are left out between the two convolutions of a block.
 */
import type { Graph } from '../graph/graph.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { dropout } from '../graph/operators/dropout.ts'
import { add, relu } from '../graph/operators/elementwise.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import type { Tensor } from '../graph/tensor.ts'
import { classify } from './layers.ts'
import { type ModelFamily, widened } from './model.ts'

/** The share of activations that dropout leaves out. */
const DROPPED = 0.3

/**
 * A network of `depth` layers, (depth - 4) / 6 blocks in each group, of `widen` times the channels 16, 32,
 * 64.
 */
function gsmWideResnet(depth: number, widen: number, dropped = 0): ModelFamily {
  const called = dropped > 0 ? ['-dropout', ', dropout'] : ['', '']
  return {
    name: `wrn-${depth}-gsm${called[0]}`,
    summary: `CIFAR WRN-${depth}-k of GSM's code, k = widen, shortcuts with normalizations of their own${called[1]} (Ding et al. 2019)`,
    image: [3, 32, 32],
    classes: 10,
    widen,
    defaultInit: 'xavier-uniform',
    build(graph, images, training, { classes, widen }) {
      let x = convLayer(graph, images, 'conv1', 16, 3, { pad: 1 })
      for (const [group, channels] of [16, 32, 64].entries())
        for (let index = 0; index < (depth - 4) / 6; index++) {
          const stride = group > 0 && index === 0 ? 2 : 1
          const size = { width: widened(channels, widen), stride, projects: index === 0, dropped, training }
          x = block(graph, x, `layer${group + 1}.${index}`, size)
        }
      return classify(graph, batchNorm(graph, x, 'bn', training), 'fc', classes)
    },
  }
}

interface BlockOptions {
  width: number
  stride: number
  /** Whether its shortcut is a convolution. */
  projects: boolean
  dropped: number
  training: boolean
}

/** Twice BN-ReLU-conv, plus the shortcut: BN-ReLU-conv 1x1, or the input itself. */
function block(graph: Graph, x: Tensor, name: string, options: BlockOptions): Tensor {
  const { width, stride, projects, dropped, training } = options
  const activated = (input: Tensor, norm: string) => relu(graph, batchNorm(graph, input, `${name}.${norm}`, training))
  let y = convLayer(graph, activated(x, 'bn1'), `${name}.conv1`, width, 3, { stride, pad: 1 })
  if (dropped > 0) y = dropout(graph, y, dropped, training)
  const residual = convLayer(graph, activated(y, 'bn2'), `${name}.conv2`, width, 3, { pad: 1 })
  if (!projects) return add(graph, residual, x)
  return add(graph, residual, convLayer(graph, activated(x, 'shortcut.0'), `${name}.shortcut.1`, width, 1, { stride }))
}

export const wrn16Gsm = gsmWideResnet(16, 8)
export const wrn28Gsm = gsmWideResnet(28, 10)
export const wrn40Gsm = gsmWideResnet(40, 4)
export const wrn16GsmDropout = gsmWideResnet(16, 8, DROPPED)
export const wrn28GsmDropout = gsmWideResnet(28, 10, DROPPED)
export const wrn40GsmDropout = gsmWideResnet(40, 4, DROPPED)
