import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { Unsupported } from '../../../src/formats/onnx/scope.ts'
import { expectOutputs } from './outputs.ts'
import {
  type Form,
  float,
  floats,
  forms,
  grouped,
  groups,
  heads,
  ids,
  lengths,
  long,
  model,
  one,
  packed,
  standard,
  table,
  three,
  whole,
} from './runtime-forms.ts'

describe('operators of ONNX Runtime as it computes them', () => {
  it.each(forms)('%s %s', (_what, op, { feeds, ...form }) => expectOutputs(model(op, form), { feeds }, 2))
  it.each(standard)('%s %s, of ONNX’s own domain', (_what, op, { feeds, ...form }) =>
    expectOutputs(model(op, form, ''), { feeds }, 2),
  )

  it.each<[op: string, form: Form, text: string]>([
    [
      'FusedMatMul',
      { stored: { w: floats([8, 4], 'w') }, with: { transBatchA: 1 } },
      'its attribute transBatchA is not',
    ],
    [
      'Attention',
      { inputs: { ...one, past: [2, 1, 2, 4, 4] }, stored: packed, names: ['x', 'w', 'b', '', 'past'], with: heads },
      'its input past is not supported',
    ],
    ['Attention', { inputs: one, stored: packed, with: { ...heads, do_rotary: 1 } }, 'its attribute do_rotary is 1'],
    [
      'Attention',
      { inputs: { ...one, mask: ids(2, 7) }, stored: packed, names: ['x', 'w', 'b', 'mask'], with: heads },
      'its input mask_index is [2,7], expected [1], [1,5], [1,5,5]',
    ],
    [
      'MultiHeadAttention',
      {
        inputs: { ...three, past: [1, 2, 4, 4] },
        names: ['q', 'k', 'v', '', '', '', 'past'],
        with: heads,
      },
      'its input past_key is not supported',
    ],
    ['MultiHeadAttention', { inputs: { q: ['N', 3, 2, 3, 4] }, with: heads }, 'queries, keys and values in one input'],
    [
      'GroupQueryAttention',
      {
        inputs: grouped,
        stored: lengths,
        names: ['q', 'k', 'v', '', '', 'last', 'all'],
        with: { ...groups, local_window_size: 3 },
      },
      'its attribute local_window_size is 3, and only -1 is supported',
    ],
    [
      'GroupQueryAttention',
      {
        inputs: grouped,
        stored: { last: whole([2], 4, 2), all: whole([], 5) },
        names: ['q', 'k', 'v', '', '', 'last', 'all'],
        with: groups,
      },
      'its input seqlens_k is [4,2], and only whole sequences (4) are supported',
    ],
    [
      'RotaryEmbedding',
      {
        inputs: one,
        stored: { at: long([1], 0), ...table(9, 2) },
        names: ['x', 'at', 'cos', 'sin'],
        with: { scale: float(2) },
      },
      'its attribute scale is not supported',
    ],
  ])('%s: refuses in a sentence what it does not do (%#)', (op, form, text) => {
    const { network } = readOnnx(model(op, form), 'm.onnx').onnx
    expect(network).toBeInstanceOf(Unsupported)
    expect(String(network)).toContain(`m.onnx: node y (com.microsoft.${op}): ${text}`)
  })
})
