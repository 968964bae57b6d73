/**
 * @file Vision transformers (Dosovitskiy et al. 2021) for small images: patches become tokens by a
 * convolution, learned positions are added, and blocks of attention and of a perceptron with GELU follow,
 * each behind a layer normalization and beside a shortcut. There is no class token: the classifier takes the
 * mean of the normalized tokens (as in appendix D.3 there, and Beyer et al. 2022). Dropout and dropped blocks
 * are left out.
 *
 * Tokens are innermost, [N, channels, 1, tokens], so that every layer of theirs is a 1x1 convolution and is
 * pruned, packed and differentiated like others. Layers are called as in the timm package. Weights begin as
 * in the code of Dosovitskiy et al. (`xavier-uniform`).
 */
import type { Graph } from '../graph/graph.ts'
import { batchMatmul } from '../graph/operators/batch-product.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { add, mul } from '../graph/operators/elementwise.ts'
import { gelu } from '../graph/operators/functions.ts'
import { layerNorm } from '../graph/operators/layer-norm.ts'
import { Softmax } from '../graph/operators/loss.ts'
import { reshape, slice } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'
import { classify } from './layers.ts'
import { type ModelFamily, widened } from './model.ts'

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

/** With these fans, positions begin with a standard deviation of 0.02 (`xavier-uniform`), as published. */
const POSITIONS = { in: 1 / 0.02 ** 2, out: 1 / 0.02 ** 2 }

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
      const positions = graph.parameter('pos_embed.weight', [width, 1, tokens], POSITIONS)
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

/** A linear layer that is applied to every token: x [N, in, 1, tokens] to [N, out, 1, tokens]. */
const tokenwise = (graph: Graph, x: Tensor, name: string, out: number): Tensor =>
  convLayer(graph, x, name, out, 1, { bias: true })

/**
 * Attention of several heads (Vaswani et al. 2017) between the tokens of x [N, width, 1, tokens]: of every
 * head, V softmax(Q' K / sqrt(d))', where Q, K and V are [d, tokens].
 */
function attention(graph: Graph, x: Tensor, name: string, heads: number): Tensor {
  const [samples, width, , tokens] = x.shape
  const size = width / heads
  const qkv = tokenwise(graph, x, `${name}.qkv`, 3 * width)
  const [q, k, v] = [0, 1, 2].map((part) =>
    reshape(graph, slice(graph, qkv, [0, part * width, 0, 0], x.shape), [samples, heads, size, tokens]),
  )
  const scaled = mul(graph, q, graph.constant(1 / Math.sqrt(size)))
  const shares = graph.apply(Softmax, [batchMatmul(graph, scaled, k, { transA: 1 })], { axis: 3 })[0]
  const mixed = batchMatmul(graph, v, shares, { transB: 1 })
  const maps = reshape(graph, reshape(graph, mixed, mixed.shape, true), x.shape)
  return tokenwise(graph, maps, `${name}.proj`, width)
}

/** Two layers with GELU in between; the first makes `ratio` times the channels. */
function perceptron(graph: Graph, x: Tensor, name: string, ratio: number): Tensor {
  const width = x.shape[1]
  return tokenwise(graph, gelu(graph, tokenwise(graph, x, `${name}.fc1`, ratio * width)), `${name}.fc2`, width)
}

export const vitTiny = visionTransformer(
  'vit-tiny',
  "CIFAR ViT-Tiny: DeiT-Tiny's blocks, six of them, on 4x4 patches, 2,693,194 parameters (after Touvron et al. 2021)",
  { side: 32, patch: 4, heads: 3, head: 64, depth: 6, ratio: 4 },
)
