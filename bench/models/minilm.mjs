/**
 * @file A sentence encoder of the shape of MiniLM-L6 (Wang et al. 2020): embeddings of tokens, places and
 * segments, a mask over attention, normalizations after each sum and written in parts, and the mean over the
 * tokens that are there, of length 1.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { attention, feedForward, layerNormInParts } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { words: 30522, places: 512, width: 384, heads: 12, depth: 6 },
  small: { words: 50, places: 16, width: 12, heads: 3, depth: 2 },
}

export function miniLm(size = 'full') {
  const { words, places, width, heads, depth } = sizes[size]
  const w = new Writer({ opset: 14 })
  const [ids, mask, types] = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    w.input(name, ['batch', 'sequence'], DataType.INT64),
  )
  const table = (name, rows) => w.weight(`embeddings.${name}.weight`, [rows, width], 0.3)
  const look = (rows, indices) => w.node('Gather', [rows, indices], { axis: 0 })
  // Places 0, 1, ... as many as there are tokens.
  const length = w.node('Gather', [w.node('Shape', [ids]), w.integers([1])], { axis: 0 })
  const range = w.floats(
    'places',
    [1, places],
    Array.from({ length: places }, (_, i) => i),
  )
  const cut = w.node('Slice', [range, w.integers([0]), length, w.integers([1])])
  const place = w.node('Cast', [cut], { to: DataType.INT64 })
  const token = look(table('word', words), ids)
  const sum = w.node('Add', [
    w.node('Add', [token, look(table('type', 2), types)]),
    look(table('place', places), place),
  ])
  let x = layerNormInParts(w, 'embeddings.LayerNorm', sum, width)

  const there = w.node('Cast', [w.node('Unsqueeze', [mask, w.integers([1, 2])])], { to: DataType.FLOAT })
  const added = w.node('Mul', [w.node('Sub', [w.scalar(1), there]), w.scalar(-(2 ** 127))])
  for (let i = 0; i < depth; i++) {
    const name = `encoder.layer.${i}`
    const attended = attention(w, `${name}.attention`, x, { width, heads, mask: added })
    x = layerNormInParts(w, `${name}.attention.LayerNorm`, w.node('Add', [attended, x]), width)
    const fed = feedForward(w, `${name}.ff`, x, [width, 4 * width])
    x = layerNormInParts(w, `${name}.ff.LayerNorm`, w.node('Add', [fed, x]), width)
  }
  w.output('sentence_embedding', pooled(w, x, mask), ['batch', width])
  w.output('last_hidden_state', x, ['batch', 'sequence', width])
  return w.bytes('minilm')
}

/** The mean over the tokens that the mask leaves, divided by its length. */
function pooled(w, x, mask) {
  const weights = w.node('Cast', [w.node('Unsqueeze', [mask, w.integers([-1])])], { to: DataType.FLOAT })
  const sum = w.node('ReduceSum', [w.node('Mul', [x, weights]), w.integers([1])], { keepdims: 0 })
  const count = w.node('ReduceSum', [weights, w.integers([1])], { keepdims: 0 })
  const mean = w.node('Div', [sum, w.node('Clip', [count, w.scalar(1e-9)])])
  const length = w.node('ReduceL2', [mean], { axes: [1], keepdims: 1 })
  return w.node('Div', [mean, w.node('Max', [length, w.scalar(1e-12)])])
}
