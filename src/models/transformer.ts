/**
 * @file What transformers are made of (Vaswani et al. 2017). Tokens are innermost, [N, channels, 1, tokens],
 * so that every layer of theirs is a 1x1 convolution and is pruned, packed and differentiated like others.
 */
import type { Graph } from '../graph/graph.ts'
import { batchMatmul } from '../graph/operators/batch-product.ts'
import { convLayer } from '../graph/operators/conv.ts'
import { add, mul } from '../graph/operators/elementwise.ts'
import { gelu } from '../graph/operators/functions.ts'
import { Softmax } from '../graph/operators/loss.ts'
import { reshape, slice } from '../graph/operators/shape.ts'
import type { Tensor } from '../graph/tensor.ts'

/** With these fans, embeddings and positions begin with a standard deviation of 0.02 (`xavier-uniform`). */
export const EMBEDDING = { in: 1 / 0.02 ** 2, out: 1 / 0.02 ** 2 }

/** A linear layer that is applied to every token: x [N, in, 1, tokens] to [N, out, 1, tokens]. */
const tokenwise = (graph: Graph, x: Tensor, name: string, out: number): Tensor =>
  convLayer(graph, x, name, out, 1, { bias: true })

/**
 * Attention of several heads between the tokens of x [N, width, 1, tokens]: of every head, V softmax(Q' K /
 * sqrt(d))', where Q, K and V are [d, tokens]. `hidden` [N, 1, 1, tokens] is added to what is looked at: 0,
 * or a large negative number for tokens that nobody sees. Default: all are seen.
 */
export function attention(graph: Graph, x: Tensor, name: string, heads: number, hidden?: Tensor): Tensor {
  const [samples, width, , tokens] = x.shape
  const size = width / heads
  const qkv = tokenwise(graph, x, `${name}.qkv`, 3 * width)
  const [q, k, v] = [0, 1, 2].map((part) =>
    reshape(graph, slice(graph, qkv, [0, part * width, 0, 0], x.shape), [samples, heads, size, tokens]),
  )
  const scaled = mul(graph, q, graph.constant(1 / Math.sqrt(size)))
  const product = batchMatmul(graph, scaled, k, { transA: 1 })
  const scores = hidden ? add(graph, product, reshape(graph, hidden, hidden.shape, false)) : product
  const shares = graph.apply(Softmax, [scores], { axis: 3 })[0]
  const mixed = batchMatmul(graph, v, shares, { transB: 1 })
  const maps = reshape(graph, reshape(graph, mixed, mixed.shape, true), x.shape)
  return tokenwise(graph, maps, `${name}.proj`, width)
}

/** Two layers with GELU in between; the first makes `ratio` times the channels. */
export function perceptron(graph: Graph, x: Tensor, name: string, ratio: number): Tensor {
  const width = x.shape[1]
  return tokenwise(graph, gelu(graph, tokenwise(graph, x, `${name}.fc1`, ratio * width)), `${name}.fc2`, width)
}
