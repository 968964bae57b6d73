/** @file Blocks of networks for sequences of tokens, [N, places, channels]. */
import { type Block, OUTPUTS } from './block.ts'
import type { Net } from './net.ts'

const TOKENS = ['N', 5, 6] as const
const x = 'x'
const gates = 'Add does not keep its channels apart'
const normalized = 'ReduceMean does not keep its channels apart'

/** Heads as an axis: [N, T, heads x size] to [N, heads, T, size]. */
const headsOf = (net: Net, of: string, heads: number, size: number) =>
  net.transpose(net.reshape(of, [0, 0, heads, size]), [0, 2, 1, 3])

/** Softmax(Q K' / sqrt(size)) V, side by side again. */
function attention(net: Net, q: string, k: string, v: string, heads: number, size: number): string {
  const product = net.op('MatMul', [q, net.transpose(k, [0, 1, 3, 2])])
  const shares = net.op('Softmax', [net.op('Div', [product, net.scalar(Math.sqrt(size))])], { axis: -1 })
  return net.reshape(net.transpose(net.op('MatMul', [shares, v]), [0, 2, 1, 3]), [0, 0, heads * size])
}

export const tokenBlocks: Record<string, Block> = {
  attention: {
    input: TOKENS,
    build(net) {
      const [q, k, v] = ['q', 'k', 'v'].map((name) => headsOf(net, net.linear(x, name, 6, 12), 4, 3))
      return net.classifyTokens(net.linear(attention(net, q, k, v, 4, 3), 'out', 12, 6), 6)
    },
    groups: { 'q k v': 4, out: 6 },
  },
  'attention with one layer for queries, keys and values': {
    input: TOKENS,
    build(net) {
      const qkv = net.transpose(net.reshape(net.linear(x, 'qkv', 6, 36), [0, 5, 3, 4, 3]), [2, 0, 3, 1, 4])
      const [q, k, v] = [0, 1, 2].map((part) =>
        net.op('Squeeze', [
          net.op('Slice', [qkv, ...[[part], [part + 1], [0]].map((n) => net.whole(n))]),
          net.whole([0]),
        ]),
      )
      return net.classifyTokens(net.linear(attention(net, q, k, v, 4, 3), 'out', 12, 6), 6)
    },
    groups: { qkv: 4, out: 6 },
  },
  'attention with fewer keys and values than queries': {
    input: TOKENS,
    build(net) {
      const q = headsOf(net, net.linear(x, 'q', 6, 18), 6, 3)
      const [k, v] = ['k', 'v'].map((name) => {
        const heads = headsOf(net, net.linear(x, name, 6, 9), 3, 3)
        const apart = net.op('Unsqueeze', [heads, net.whole([2])])
        return net.reshape(net.op('Expand', [apart, net.whole([1, 3, 2, 5, 3])]), [0, 6, 5, 3])
      })
      return net.classifyTokens(net.linear(attention(net, q, k, v, 6, 3), 'out', 18, 6), 6)
    },
    // A head of keys and values, with the two heads of queries that read it.
    groups: { 'q k v': 3, out: 6 },
  },
  'Attention with fewer keys and values than queries': {
    input: TOKENS,
    build(net) {
      const [q, k, v] = Object.entries({ q: 18, k: 9, v: 9 }).map(([name, size]) => net.linear(x, name, 6, size))
      const mixed = net.op('Attention', [q, k, v], { q_num_heads: 6, kv_num_heads: 3 })
      return net.classifyTokens(net.linear(mixed, 'out', 18, 6), 6)
    },
    opset: 23,
    groups: { 'q k v': 3, out: 6 },
  },
  'a transformer with layer normalization': {
    input: TOKENS,
    build(net) {
      const first = net.linear(x, 'first', 6, 8)
      const normal = net.layerNorm(first, 'norm1', 8)
      const [q, k, v] = ['q', 'k', 'v'].map((name) => headsOf(net, net.linear(normal, name, 8, 12), 4, 3))
      const mid = net.op('Add', [first, net.linear(attention(net, q, k, v, 4, 3), 'out', 12, 8)])
      const hidden = net.op('Relu', [net.linear(net.layerNorm(mid, 'norm2', 8), 'up', 8, 10)])
      return net.classifyTokens(net.op('Add', [mid, net.linear(hidden, 'down', 10, 8)]), 8)
    },
    groups: { 'q k v': 4, up: 10 },
    stay: { 'first.weight': normalized, 'out.weight': normalized, 'down.weight': normalized },
  },
  'gated linear units': {
    input: TOKENS,
    build(net) {
      const [value, gate] = net.split(net.linear(x, 'both', 6, 16), [8, 8], 2)
      const gated = net.op('Mul', [value, net.op('Sigmoid', [gate])])
      return net.classifyTokens(net.linear(gated, 'out', 8, 6), 6)
    },
    groups: { both: 8, out: 6 },
  },
  'an LSTM between two layers': {
    input: TOKENS,
    build(net) {
      const places = net.transpose(net.linear(x, 'first', 6, 8), [1, 0, 2])
      const weights = [
        net.floats('lstm.W', [1, 16, 8]),
        net.floats('lstm.R', [1, 16, 4]),
        net.floats('lstm.B', [1, 32]),
      ]
      const states = net.op('Squeeze', [net.op('LSTM', [places, ...weights], { hidden_size: 4 }), net.whole([1])])
      return net.classifyTokens(net.linear(net.transpose(states, [1, 0, 2]), 'out', 4, 6), 6)
    },
    groups: { first: 8, out: 6 },
    stay: { 'lstm.W': gates, 'lstm.R': gates },
  },
}

for (const block of Object.values(tokenBlocks)) block.stay = { ...block.stay, ...OUTPUTS }
