/**
 * @file A classifier of the shape of ViT-Tiny (Dosovitskiy et al. 2021, Touvron et al. 2021): patches of 16 x
 * 16, a class token, blocks of attention whose queries, keys and values are one product.
 */
import { conv, feedForward, layerNorm, linear } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { side: 224, patch: 16, width: 192, heads: 3, depth: 12, classes: 1000 },
  small: { side: 32, patch: 8, width: 12, heads: 3, depth: 2, classes: 5 },
}

export function vit(size = 'full') {
  const { side, patch, width, heads, depth, classes } = sizes[size]
  const tokens = (side / patch) ** 2 + 1
  const w = new Writer({ opset: 17 })
  const images = w.input('pixel_values', ['batch', 3, side, side])
  const patches = conv(w, 'patch_embed.proj', images, [3, width], patch, { stride: patch, pad: 0 })
  const rows = w.node('Transpose', [w.node('Reshape', [patches, w.integers([0, width, -1])])], { perm: [0, 2, 1] })
  // The class token once for each sample: its shape is computed, as exporters do.
  const batch = w.node('Gather', [w.node('Shape', [images]), w.integers([0])], { axis: 0 })
  const shape = w.node('Concat', [batch, w.integers([1, width])], { axis: 0 })
  const token = w.node('Expand', [w.weight('cls_token', [1, 1, width], 0.5), shape])
  const embedded = w.node('Concat', [token, rows], { axis: 1 })
  let x = w.node('Add', [embedded, w.weight('pos_embed', [1, tokens, width], 0.2)])
  for (let i = 0; i < depth; i++) {
    const name = `blocks.${i}`
    const normal = layerNorm(w, `${name}.norm1`, x, width)
    x = w.node('Add', [x, attention(w, `${name}.attn`, normal, { width, heads, tokens })])
    const second = layerNorm(w, `${name}.norm2`, x, width)
    x = w.node('Add', [x, feedForward(w, `${name}.mlp`, second, [width, 4 * width])])
  }
  const first = w.node('Gather', [layerNorm(w, 'norm', x, width), w.integers(0)], { axis: 1 })
  const head = [w.weight('head.weight', [classes, width], 1 / Math.sqrt(width)), w.weight('head.bias', [classes], 0.02)]
  w.output('logits', w.node('Gemm', [first, ...head], { transB: 1 }), ['batch', classes])
  return w.bytes('vit')
}

/** Attention whose queries, keys and values are cut from one product. */
function attention(w, name, x, { width, heads, tokens }) {
  const depth = width / heads
  const product = linear(w, `${name}.qkv`, x, [width, 3 * width])
  const apart = w.node('Reshape', [product, w.integers([0, tokens, 3, heads, depth])])
  const parts = w.node('Transpose', [apart], { perm: [2, 0, 3, 1, 4] })
  const [query, key, value] = [0, 1, 2].map((i) => w.node('Gather', [parts, w.integers(i)], { axis: 0 }))
  const scores = w.node('MatMul', [query, w.node('Transpose', [key], { perm: [0, 1, 3, 2] })])
  const shares = w.node('Softmax', [w.node('Mul', [scores, w.scalar(1 / Math.sqrt(depth))])], { axis: -1 })
  const mixed = w.node('Transpose', [w.node('MatMul', [shares, value])], { perm: [0, 2, 1, 3] })
  return linear(w, `${name}.proj`, w.node('Reshape', [mixed, w.integers([0, tokens, width])]), [width, width])
}
