/** @file Forms of the operators that ONNX Runtime has beside ONNX's own: models of one node. */
import { type ModelText, modelBytes, type Stored } from './models.ts'
import type { Feeds } from './outputs.ts'
import { normal } from './same.ts'

type With = ModelText['steps'][number]['with']

export interface Form {
  inputs?: ModelText['inputs']
  stored?: Record<string, Stored>
  /** Names of what the node reads, in order. Default: inputs, then what is stored. */
  names?: string[]
  with?: With
  outputs?: string[]
  feeds?: Feeds
}

export const model = (
  op: string,
  { inputs = { x: ['N', 3, 8] }, stored = {}, ...form }: Form,
  domain = 'com.microsoft',
) => {
  const outputs = form.outputs ?? ['y']
  const names = form.names ?? [...Object.keys(inputs), ...Object.keys(stored)]
  return modelBytes({
    inputs,
    stored,
    steps: [{ op, domain, in: names, out: outputs, with: form.with }],
    outputs: outputs.filter((name) => name !== '').map((name) => (name === 'count' ? 'count:int32' : name)),
    opset: 23,
  })
}

export const floats = (shape: readonly number[], seed: string): Stored => ({ shape, values: normal(shape, seed) })
export const whole = (shape: readonly number[], ...values: number[]): Stored => ({ shape, values, type: 'int32' })
export const long = (shape: readonly number[], ...values: number[]): Stored => ({ shape, values, type: 'int64' })
export const float = (value: number) => ({ float: value })
export const ids = (...shape: (string | number)[]) => ({ shape, type: 'int32' as const })

const eight = { g: floats([8], 'g'), b: floats([8], 'b'), c: floats([8], 'c') }
const skipped = { x: ['N', 3, 8], skip: ['N', 3, 8] }
export const one = { x: ['N', 5, 8] }
export const packed = { w: floats([8, 24], 'w'), b: floats([24], 'b') }
export const three = { q: ['N', 3, 8], k: ['N', 5, 8], v: ['N', 5, 12] }
export const heads = { num_heads: 2 }
export const table = (places: number, pairs: number) => ({
  cos: floats([places, pairs], 'cos'),
  sin: floats([places, pairs], 'sin'),
})
export const lengths = { last: whole([2], 4, 4), all: whole([], 5) }
export const grouped = { q: [2, 5, 32], k: [2, 5, 16], v: [2, 5, 16] }
export const groups = { num_heads: 4, kv_num_heads: 2 }
const present = ['y', 'present_key', 'present_value']
/** Of two samples. */
const shown = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0]

export const forms: [what: string, op: string, form: Form][] = [
  ['', 'Gelu', {}],
  ['', 'QuickGelu', { with: { alpha: float(1.3) } }],
  ['with its usual slope', 'QuickGelu', {}],
  ['', 'BiasGelu', { stored: { b: eight.b } }],
  ['', 'FastGelu', {}],
  ['with a bias', 'FastGelu', { stored: { b: eight.b } }],
  ['of a stored matrix', 'FusedMatMul', { stored: { w: floats([8, 4], 'w') }, with: { alpha: float(0.3) } }],
  ['of one that is transposed', 'FusedMatMul', { stored: { w: floats([4, 8], 'w') }, with: { transB: 1 } }],
  [
    'of two computed ones',
    'FusedMatMul',
    { inputs: { a: ['N', 2, 8, 3], b: ['N', 2, 8, 5] }, with: { transA: 1, alpha: float(2) } },
  ],
  [
    'of two, both transposed',
    'FusedMatMul',
    { inputs: { a: ['N', 8, 3], b: ['N', 5, 8] }, with: { transA: 1, transB: 1 } },
  ],
  [
    'with all that it has',
    'SkipLayerNormalization',
    { inputs: skipped, stored: eight, outputs: ['y', '', '', 'sum'], with: { epsilon: float(0.01) } },
  ],
  [
    'of one row for all samples',
    'SkipLayerNormalization',
    { inputs: { x: ['N', 3, 8], skip: [3, 8] }, stored: { g: eight.g } },
  ],
  [
    'with all that it has',
    'SkipSimplifiedLayerNormalization',
    { inputs: skipped, stored: { g: eight.g, b: eight.b }, outputs: ['y', '', '', 'sum'] },
  ],
  [
    'with words, segments and a mask',
    'EmbedLayerNormalization',
    {
      inputs: { ids: ids('N', 5), segments: ids('N', 5), mask: ids('N', 5) },
      stored: { words: floats([7, 8], 'w'), positions: floats([9, 8], 'p'), kinds: floats([2, 8], 'k'), ...eight },
      names: ['ids', 'segments', 'words', 'positions', 'kinds', 'g', 'b', 'mask'],
      outputs: ['y', 'count', 'sum'],
      feeds: { ids: [0, 6, 2, 5, 1, 3, 3, 4, 6, 0], segments: [0, 0, 1, 1, 1, 0, 1, 1, 1, 1], mask: shown },
    },
  ],
  [
    'with positions, without segments',
    'EmbedLayerNormalization',
    {
      inputs: { ids: ids('N', 5), at: ids('N', 5) },
      stored: { words: floats([7, 8], 'w'), positions: floats([9, 8], 'p'), ...eight },
      names: ['ids', '', 'words', 'positions', '', 'g', 'b', '', 'at'],
      outputs: ['y', 'count'],
      feeds: { ids: [0, 6, 2, 5, 1, 3, 3, 4, 6, 0], at: [0, 1, 2, 3, 8, 4, 3, 2, 1, 0] },
    },
  ],
  ['', 'Attention', { inputs: one, stored: packed, with: heads }],
  ['with a scale', 'Attention', { inputs: one, stored: packed, with: { ...heads, scale: float(0.2) } }],
  ['that looks back', 'Attention', { inputs: one, stored: packed, with: { ...heads, unidirectional: 1 } }],
  [
    'with values of another width',
    'Attention',
    {
      inputs: one,
      stored: { w: floats([8, 28], 'w'), b: floats([28], 'b') },
      with: { ...heads, qkv_hidden_sizes: [8, 8, 12] },
    },
  ],
  [
    'with a mask of places, of a known strength',
    'Attention',
    {
      inputs: { ...one, mask: ids('N', 5) },
      stored: packed,
      names: ['x', 'w', 'b', 'mask'],
      with: { ...heads, mask_filter_value: float(-2) },
      feeds: { mask: shown },
    },
  ],
  [
    'with lengths, of a known strength',
    'Attention',
    {
      inputs: { ...one, mask: ids('N') },
      stored: packed,
      names: ['x', 'w', 'b', 'mask'],
      with: { ...heads, mask_filter_value: float(-2) },
      feeds: { mask: [2, 4] },
    },
  ],
  [
    'with a mask for each place, and a bias of scores',
    'Attention',
    {
      inputs: { ...one, mask: ids('N', 5, 5), more: ['N', 2, 5, 5] },
      stored: packed,
      names: ['x', 'w', 'b', 'mask', '', 'more'],
      with: heads,
      feeds: { mask: Array.from({ length: 50 }, (_, i) => Number(i % 3 > 0)) },
    },
  ],
  ['', 'MultiHeadAttention', { inputs: three, with: heads, outputs: present }],
  [
    'with a bias, a mask and a bias of scores',
    'MultiHeadAttention',
    {
      inputs: { ...three, mask: ids('N', 5), more: [1, 2, 3, 5] },
      stored: { b: floats([28], 'b') },
      names: ['q', 'k', 'v', 'b', 'mask', 'more'],
      with: { ...heads, mask_filter_value: float(-3) },
      feeds: { mask: shown },
    },
  ],
  [
    'that looks back',
    'MultiHeadAttention',
    {
      inputs: { q: ['N', 5, 8], k: ['N', 5, 8], v: ['N', 5, 8] },
      with: { ...heads, unidirectional: 1, scale: float(0.9) },
    },
  ],
  [
    'with heads of keys apart',
    'MultiHeadAttention',
    { inputs: { q: ['N', 3, 8], k: ['N', 2, 5, 4], v: ['N', 2, 5, 4] }, with: heads },
  ],
  [
    'of heads side by side, from one position on',
    'RotaryEmbedding',
    { inputs: one, stored: { at: long([1], 3), ...table(9, 2) }, names: ['x', 'at', 'cos', 'sin'] },
  ],
  [
    'of heads as an axis, at positions, interleaved',
    'RotaryEmbedding',
    {
      inputs: { x: ['N', 2, 5, 4], at: { shape: ['N', 5], type: 'int64' } },
      stored: table(9, 2),
      with: { interleaved: 1 },
      feeds: { at: [0, 1, 2, 3, 8, 4, 3, 2, 1, 0] },
    },
  ],
  [
    'of a part of each head',
    'RotaryEmbedding',
    {
      inputs: { x: ['N', 5, 16] },
      stored: { at: long([1], 0), ...table(9, 2) },
      names: ['x', 'at', 'cos', 'sin'],
      with: { num_heads: 2, rotary_embedding_dim: 4 },
    },
  ],
  [
    '',
    'GroupQueryAttention',
    { inputs: grouped, stored: lengths, names: ['q', 'k', 'v', '', '', 'last', 'all'], with: groups, outputs: present },
  ],
  [
    'of one input, with positions and a soft limit',
    'GroupQueryAttention',
    {
      inputs: { q: [2, 5, 128] },
      stored: { ...lengths, ...table(9, 8) },
      names: ['q', '', '', '', '', 'last', 'all', 'cos', 'sin'],
      with: { ...groups, do_rotary: 1, softcap: float(0.7), scale: float(0.4) },
      outputs: present,
    },
  ],
]

const positions = { at: { shape: ['N', 5], type: 'int64' as const } }
const at = [0, 1, 2, 3, 8, 4, 3, 2, 1, 0]
export const standard: [what: string, op: string, form: Form][] = [
  ['', 'SimplifiedLayerNormalization', { stored: { g: eight.g }, with: { epsilon: float(0.1) } }],
  ['over two axes', 'SimplifiedLayerNormalization', { stored: { g: floats([3, 8], 'g') }, with: { axis: 1 } }],
  ['', 'RotaryEmbedding', { inputs: { x: ['N', 2, 5, 4], cos: ['N', 5, 2], sin: ['N', 5, 2] } }],
  [
    'at positions, of heads side by side',
    'RotaryEmbedding',
    {
      inputs: { x: ['N', 5, 16], ...positions },
      stored: table(9, 4),
      names: ['x', 'cos', 'sin', 'at'],
      with: { num_heads: 2 },
      feeds: { at },
    },
  ],
  [
    'of a part of each head, interleaved',
    'RotaryEmbedding',
    {
      inputs: { x: ['N', 2, 5, 8], ...positions },
      stored: table(9, 2),
      names: ['x', 'cos', 'sin', 'at'],
      with: { interleaved: 1, rotary_embedding_dim: 4 },
      feeds: { at },
    },
  ],
]
