/**
 * @file Small encoders of texts after BERT (Devlin et al. 2019), in the sizes of Turc et al. 2019: words are
 * looked up in a table, learned positions are added, and blocks of attention and of a perceptron with GELU
 * follow, each with a shortcut and a layer normalization behind it. The classifier takes the mean of the
 * tokens that are there. Dropout, segments and the pooling layer are left out, and weights begin as those of
 * vision transformers here do (`xavier-uniform`).
 *
 * A text is an image of two rows of bytes, [2, 1, tokens]: a token is the first plus 256 times the second.
 * Token 0 is none: it is not looked at, and has no part in the mean.
 */
import type { Graph } from '../graph/graph.ts'
import { div } from '../graph/operators/arithmetic.ts'
import { less } from '../graph/operators/comparisons.ts'
import { add, clip, mul, sub } from '../graph/operators/elementwise.ts'
import { round } from '../graph/operators/functions.ts'
import { gather } from '../graph/operators/gather.ts'
import { layerNorm } from '../graph/operators/layer-norm.ts'
import { linear } from '../graph/operators/linear.ts'
import { flatten, reduceSum, reshape, slice, transpose } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type ModelFamily, widened } from './model.ts'
import { attention, EMBEDDING, perceptron } from './transformer.ts'

export interface EncoderSizes {
  /** Different tokens, the one that is none included; at most 65,536. */
  vocabulary: number
  /** Tokens of a text. */
  tokens: number
  heads: number
  /** Channels of a head, which `widen` multiplies; all heads together are as wide as a token. */
  head: number
  /** Blocks. */
  depth: number
  /** Channels inside of a perceptron by those of a token. */
  ratio: number
}

const EPSILON = 1e-6

/** What is added to the scores of tokens that are none. */
const UNSEEN = -1e4

export function textEncoder(name: string, summary: string, sizes: EncoderSizes): ModelFamily {
  const { vocabulary, tokens, heads, head, depth, ratio } = sizes
  return {
    name,
    summary,
    image: [2, 1, tokens],
    vocabulary,
    classes: 2,
    widen: 1,
    defaultInit: 'xavier-uniform',
    build(graph, bytes, _training, { classes, widen }) {
      const width = heads * widened(head, widen)
      const ids = tokensOf(graph, bytes, vocabulary)
      const isThere = less(graph, graph.constant(0.5), ids)
      const hidden = mul(graph, sub(graph, graph.constant(1), isThere), graph.constant(UNSEEN))
      const positions = graph.parameter('embeddings.position.weight', [width, 1, tokens], EMBEDDING)
      const embedded = add(graph, embedding(graph, ids, 'embeddings.word', [vocabulary, width]), positions)
      let x = layerNorm(graph, embedded, 'embeddings.norm', EPSILON)
      for (let i = 0; i < depth; i++) {
        const block = `blocks.${i}`
        const attended = add(graph, x, attention(graph, x, `${block}.attn`, heads, hidden))
        x = layerNorm(graph, attended, `${block}.norm1`, EPSILON)
        x = layerNorm(graph, add(graph, x, perceptron(graph, x, `${block}.mlp`, ratio)), `${block}.norm2`, EPSILON)
      }
      return linear(graph, flatten(graph, meanOf(graph, x, isThere)), 'head', classes)
    },
  }
}

/** The tokens [N, 1, 1, tokens] of texts [N, 2, 1, tokens], as whole numbers below `vocabulary`. */
function tokensOf(graph: Graph, bytes: Tensor, vocabulary: number): Tensor {
  const shape = [bytes.shape[0], 1, ...bytes.shape.slice(2)]
  const [low, high] = [0, 1].map((row) => slice(graph, bytes, [0, row, 0, 0], shape))
  const sum = add(graph, low, mul(graph, high, graph.constant(256)))
  return clip(graph, round(graph, sum), 0, vocabulary - 1)
}

/** The rows of a table [vocabulary, width] that tokens [N, 1, 1, tokens] name, as [N, width, 1, tokens]. */
function embedding(graph: Graph, ids: Tensor, name: string, [vocabulary, width]: [number, number]): Tensor {
  const [samples, , , tokens] = ids.shape
  const table = graph.parameter(`${name}.weight`, [vocabulary, width], EMBEDDING)
  const rows = gather(graph, table, reshape(graph, ids, [samples * tokens], false), 0)
  const perToken = reshape(graph, rows, [samples, tokens, width], true)
  return reshape(graph, transpose(graph, perToken, [0, 2, 1]), [samples, width, 1, tokens])
}

/** The mean [N, width, 1, 1] over the tokens of x that are there. */
function meanOf(graph: Graph, x: Tensor, isThere: Tensor): Tensor {
  const count = add(graph, reduceSum(graph, isThere, [3]), graph.constant(EPSILON))
  return div(graph, reduceSum(graph, mul(graph, x, isThere), [3]), count)
}

export const bertMini = textEncoder(
  'bert-mini',
  'a text encoder of two blocks, 128 channels and 64 of 4,096 tokens, 929,538 parameters (BERT-Tiny of Turc et al. 2019, with a small vocabulary)',
  { vocabulary: 4096, tokens: 64, heads: 4, head: 32, depth: 2, ratio: 4 },
)
