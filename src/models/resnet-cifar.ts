/**
 * @file Residual networks for CIFAR (He et al. 2016, section 4.2): a 3x3 stem, three stages of basic blocks with 16, 32 and 64
 * channels, global average pooling, a linear classifier. Where a block changes the size, its shortcut is a 1x1 convolution with batch
 * normalization: option B, as in WoodFisher, the Combinatorial Brain Surgeon (ResNet-20) and GSM (ResNet-56). He et al. use option A on CIFAR, a
 * shortcut without parameters. Parameter names are those of the published ResNet-20 checkpoint of WoodFisher. He et al. begin with
 * `he-normal`, GSM's ResNet-56 with `xavier-uniform`.
 */
import { relu } from '../graph/operators/elementwise.ts'
import { basicBlock, classify, normalized } from './layers.ts'
import type { InitializerName, ModelFamily } from './model.ts'

/** A network of 6 n + 2 layers. */
function resnetCifar(n: number, summary: string, defaultInit: InitializerName): ModelFamily {
  return {
    ...{ name: `resnet${6 * n + 2}`, summary, image: [3, 32, 32], classes: 10, defaultInit },
    build(graph, images, training, { classes }) {
      let x = relu(graph, normalized(graph, images, ['conv1', 'bn1'], 16, 3, training, { pad: 1 }))
      for (const [stage, width] of [16, 32, 64].entries())
        for (let block = 0; block < n; block++) {
          const stride = stage > 0 && block === 0 ? 2 : 1
          x = basicBlock(graph, x, `layer${stage + 1}.${block}`, { width, stride, shortcut: 'downsample', training })
        }
      return classify(graph, x, 'fc', classes)
    },
  }
}

export const resnet20 = resnetCifar(
  3,
  'CIFAR ResNet-20, widths 16-32-64, 1x1 shortcuts (option B; He et al. 2016)',
  'he-normal',
)
export const resnet56 = resnetCifar(
  9,
  'CIFAR ResNet-56, widths 16-32-64, 1x1 shortcuts (option B; He et al. 2016; GSM, Ding et al. 2019)',
  'xavier-uniform',
)
