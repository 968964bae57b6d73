/**
 * @file Vision transformers (Dosovitskiy et al. 2021) for small images: patches become tokens by a
 * convolution, learned positions are added, and blocks of attention and of a perceptron with GELU follow,
 * each behind a layer normalization and beside a shortcut. There is no class token: the classifier takes the
 * mean of the normalized tokens (as in appendix D.3 there, and Beyer et al. 2022). Dropout and dropped blocks
 * are left out.
 *
 * Layers are called as in the timm package. Weights begin as
 * in the code of Dosovitskiy et al. (`xavier-uniform`).
 */
import { convLayer } from '../graph/operators/conv.ts'
import { add } from '../graph/operators/elementwise.ts'
import { layerNorm } from '../graph/operators/layer-norm.ts'
import { reshape } from '../graph/operators/shape.ts'
import { classify } from './layers.ts'
import { type ModelFamily, widened } from './model.ts'
import { attention, EMBEDDING, perceptron } from './transformer.ts'

export interface TransformerSizes {
  /** The side of an image and of a patch, in pixels; the latter divides the former. */
  side: number
  patch: number
  heads: number
  /** Channels of a head, which `widen` multiplies; all heads together are as wide as a token. */
  head: number
  /** Blocks. */
  depth: number
  /** Channels inside of a perceptron by those of a token. */
  ratio: number
}

/** Of the normalizations, as in the code of Dosovitskiy et al. */
const EPSILON = 1e-6

export function visionTransformer(name: string, summary: string, sizes: TransformerSizes): ModelFamily {
  const { side, patch, heads, head, depth, ratio } = sizes
  const tokens = (side / patch) ** 2
  return {
    name,
    summary,
    image: [3, side, side],
    classes: 10,
    widen: 1,
    defaultInit: 'xavier-uniform',
    build(graph, images, _training, { classes, widen }) {
      const width = heads * widened(head, widen)
      const patches = convLayer(graph, images, 'patch_embed.proj', width, patch, { stride: patch, bias: true })
      const positions = graph.parameter('pos_embed.weight', [width, 1, tokens], EMBEDDING)
      let x = add(graph, reshape(graph, patches, [images.shape[0], width, 1, tokens]), positions)
      for (let i = 0; i < depth; i++) {
        const block = `blocks.${i}`
        const normal = layerNorm(graph, x, `${block}.norm1`, EPSILON)
        x = add(graph, x, attention(graph, normal, `${block}.attn`, heads))
        x = add(graph, x, perceptron(graph, layerNorm(graph, x, `${block}.norm2`, EPSILON), `${block}.mlp`, ratio))
      }
      return classify(graph, layerNorm(graph, x, 'norm', EPSILON), 'head', classes)
    },
  }
}

export const vitTiny = visionTransformer(
  'vit-tiny',
  "CIFAR ViT-Tiny: DeiT-Tiny's blocks, six of them, on 4x4 patches, 2,693,194 parameters (after Touvron et al. 2021)",
  { side: 32, patch: 4, heads: 3, head: 64, depth: 6, ratio: 4 },
)
