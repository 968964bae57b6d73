/**
 * @file Wide residual networks with pre-activation (Zagoruyko & Komodakis 2016), without dropout: a 3x3 stem
 * of 16 channels, three groups of 16 k, 32 k and 64 k channels (rounded, half to even), BN-ReLU, average
 * pool, linear. Where a block changes the channels its shortcut is a 1x1 convolution of the activated input,
 * else the input itself. k below 2 gives the thin networks of DSR (Mostafa & Wang 2019). Begins as DSR's
 * (`he-normal-out`). DSR prunes the 24 convolutions in the blocks and leaves stem, shortcuts and classifier
 * dense.
 */
import type { Graph } from '../graph/graph.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { add, relu } from '../graph/operators/elementwise.ts'
import { batchNorm } from '../graph/operators/norm.ts'
import type { Tensor } from '../graph/tensor.ts'
import { classify, normalized } from './layers.ts'
import { type ModelFamily, widened } from './model.ts'

/** A network of `depth` layers: (depth - 4) / 6 blocks in each group. */
function wideResnet(depth: number): ModelFamily {
  return {
    name: `wrn-${depth}`,
    summary: `CIFAR WRN-${depth}-k, pre-activation, k = widen (Zagoruyko & Komodakis 2016); any depth 6 n + 4 by its name`,
    image: [3, 32, 32],
    classes: 10,
    widen: 2,
    defaultInit: 'he-normal-out',
    published: ['layer*.conv*.weight'],
    build(graph, images, training, { classes, widen }) {
      let x = convLayer(graph, images, 'conv1', 16, 3, { pad: 1 })
      for (const [group, channels] of [16, 32, 64].entries())
        for (let block = 0; block < (depth - 4) / 6; block++) {
          const stride = group > 0 && block === 0 ? 2 : 1
          x = preActivationBlock(graph, x, `layer${group + 1}.${block}`, widened(channels, widen), stride, training)
        }
      return classify(graph, relu(graph, batchNorm(graph, x, 'bn', training)), 'fc', classes)
    },
  }
}

/** BN-ReLU-conv-BN-ReLU-conv, plus the shortcut. */
function preActivationBlock(
  graph: Graph,
  x: Tensor,
  name: string,
  width: number,
  stride: number,
  training: boolean,
): Tensor {
  const active = relu(graph, batchNorm(graph, x, `${name}.bn1`, training))
  const options = { stride, pad: 1 }
  const y = relu(graph, normalized(graph, active, [`${name}.conv1`, `${name}.bn2`], width, 3, training, options))
  const residual = convLayer(graph, y, `${name}.conv2`, width, 3, { pad: 1 })
  const same = stride === 1 && x.shape[1] === width
  return add(graph, residual, same ? x : convLayer(graph, active, `${name}.shortcut`, width, 1, { stride }))
}

export const wrn28 = wideResnet(28)

/**
 * The network `wrn-N` of any depth N = 6 n + 4, n of at least 1, such as wrn-10; undefined for another name.
 */
export function wideResnetNamed(name: string): ModelFamily | undefined {
  const [, digits] = /^wrn-([1-9]\d{1,3})$/.exec(name) ?? []
  const depth = Number(digits)
  return depth >= 10 && (depth - 4) % 6 === 0 ? wideResnet(depth) : undefined
}
