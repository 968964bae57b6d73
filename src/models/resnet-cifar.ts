/**
 * @file Residual networks for CIFAR (He et al. 2016, section 4.2): a 3x3 stem, three stages of basic blocks
 * with 16, 32 and 64 channels (times widen), global average pooling, a linear classifier. Two kinds, by the
 * shortcut of blocks that change the size:
 * - `resnet20`, `resnet56`, `resnet110`, `resnet164`: a 1x1 convolution with batch normalization (option
 *   B), as in WoodFisher, the Combinatorial Brain Surgeon (ResNet-20) and GSM (the deeper ones). Parameter
 *   names are those of the published ResNet-20 checkpoint of WoodFisher.
 * - `resnet20-a`, `resnet32-a`, `resnet56-a`: every second pixel and zeros for the new channels (option A),
 *   as He et al. have it on CIFAR.
 *
 * He et al. begin with `he-normal`, GSM's networks with `xavier-uniform`.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { basicBlock, classify, normalized } from './layers.ts'
import { type InitializerName, type ModelFamily, widened } from './model.ts'

interface Variant {
  shortcut: 'downsample' | 'padded'
  source: string
  defaultInit: InitializerName
  published?: readonly string[]
}

const gsm: Variant = {
  shortcut: 'downsample',
  source: 'He et al. 2016; GSM, Ding et al. 2019',
  defaultInit: 'xavier-uniform',
}
const optionA: Variant = { shortcut: 'padded', source: 'He et al. 2016', defaultInit: 'he-normal' }

/** A network of 6 n + 2 layers. */
function resnetCifar(n: number, { shortcut, source, defaultInit, published }: Variant): ModelFamily {
  const layers = 6 * n + 2
  const [suffix, kind] =
    shortcut === 'padded' ? ['-a', 'zero-padded shortcuts (option A'] : ['', '1x1 shortcuts (option B']
  return {
    name: `resnet${layers}${suffix}`,
    summary: `CIFAR ResNet-${layers}, widths 16-32-64, ${kind}; ${source})`,
    image: [3, 32, 32],
    classes: 10,
    widen: 1,
    defaultInit,
    published,
    build(graph, images, training, { classes, widen }) {
      const widths = [16, 32, 64].map((channels) => widened(channels, widen))
      let x = relu(graph, normalized(graph, images, ['conv1', 'bn1'], widths[0], 3, training, { pad: 1 }))
      for (const [stage, width] of widths.entries())
        for (let block = 0; block < n; block++) {
          const stride = stage > 0 && block === 0 ? 2 : 1
          x = basicBlock(graph, x, `layer${stage + 1}.${block}`, { width, stride, shortcut, training })
        }
      return classify(graph, x, 'fc', classes)
    },
  }
}

export const resnet20 = resnetCifar(3, {
  shortcut: 'downsample',
  source: 'He et al. 2016',
  defaultInit: 'he-normal',
  // WoodFisher and the Combinatorial Brain Surgeon leave the stem, the shortcuts and the classifier dense:
  // 267,264 weights.
  published: ['layer*.conv*.weight'],
})
export const resnet56 = resnetCifar(9, gsm)
/** Of GSM's code: basic blocks at every depth, where He et al. have bottlenecks in their ResNet-164. */
export const resnet110 = resnetCifar(18, gsm)
export const resnet164 = resnetCifar(27, gsm)
export const resnet20a = resnetCifar(3, optionA)
export const resnet32a = resnetCifar(5, optionA)
export const resnet56a = resnetCifar(9, optionA)
