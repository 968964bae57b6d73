import { describe, expect, it } from 'vitest'
import { type ModelText, modelBytes } from './models.ts'
import { expectOutputs, here } from './outputs.ts'

type With = ModelText['steps'][number]['with']

interface Form {
  inputs: ModelText['inputs']
  with?: With
  /** Names of inputs of the node in their order. */
  names?: string[]
  outputs?: string[]
  opset?: number
}

const model = ({ inputs, with: attributes = {}, names = ['q', 'k', 'v'], outputs = ['y'], opset = 23 }: Form) =>
  modelBytes({
    inputs,
    steps: [{ op: 'Attention', in: names, out: outputs, with: attributes }],
    outputs: outputs.filter(Boolean),
    opset,
  })

const four = { q: [2, 4, 3, 5], k: [2, 4, 6, 5], v: [2, 4, 6, 7] }
const shared = { q: [2, 4, 3, 5], k: [2, 2, 6, 5], v: [2, 2, 6, 7] }
const flat = { q: [2, 3, 20], k: [2, 6, 10], v: [2, 6, 14] }
const heads = { q_num_heads: 4, kv_num_heads: 2 }
const square = { q: [2, 4, 6, 5], k: [2, 4, 6, 5], v: [2, 4, 6, 7] }
const past = { pk: [2, 4, 3, 5], pv: [2, 4, 3, 7] }
const every = ['y', 'present_k', 'present_v', 'scores']
/** Rows that see something. */
const bools = Array.from({ length: 18 }, (_, i) => Number(i % 6 < 2 || i % 4 === 0))

describe('Attention as ONNX Runtime computes it', () => {
  const forms: Record<string, Form & { feeds?: Record<string, number[]> }> = {
    'with heads as an axis': { inputs: four },
    'with fewer heads of keys': { inputs: shared },
    'with heads side by side': { inputs: flat, with: heads },
    'with a scale of its own': { inputs: four, with: { scale: { float: 0.7 } } },
    'that looks back only': { inputs: square, with: { is_causal: 1 } },
    'that looks back only, of fewer queries than keys': { inputs: four, with: { is_causal: 1 } },
    'with a mask that is added': { inputs: { ...four, mask: [3, 6] }, names: ['q', 'k', 'v', 'mask'] },
    'with a mask for each sample and head': { inputs: { ...four, mask: [2, 4, 3, 6] }, names: ['q', 'k', 'v', 'mask'] },
    'with a mask of what is seen': {
      inputs: { ...shared, mask: { shape: [3, 6], type: 'bool' } },
      names: ['q', 'k', 'v', 'mask'],
      feeds: { mask: bools },
    },
    'with a soft limit': { inputs: four, with: { softcap: { float: 0.8 } } },
    'with a mask and a soft limit': {
      inputs: { ...four, mask: [3, 6] },
      names: ['q', 'k', 'v', 'mask'],
      with: { softcap: { float: 0.8 } },
    },
    ...Object.fromEntries(
      [1, 2].map((mode) => [
        `that gives its scores on the way (${mode})`,
        {
          inputs: { ...four, mask: [3, 6] },
          names: ['q', 'k', 'v', 'mask'],
          outputs: ['y', '', '', 'scores'],
          with: { qk_matmul_output_mode: mode, softcap: { float: 0.8 } },
        },
      ]),
    ),
    'with what was there before': {
      inputs: { ...square, ...past },
      names: ['q', 'k', 'v', '', 'pk', 'pv'],
      outputs: every.slice(0, 3),
    },
    'that looks back only, over what was there before': {
      inputs: { ...square, ...past },
      names: ['q', 'k', 'v', '', 'pk', 'pv'],
      outputs: every.slice(0, 3),
      with: { is_causal: 1 },
    },
    'that gives its scores': { inputs: four, outputs: ['y', '', '', 'scores'] },
    'that gives its weights': { inputs: four, outputs: ['y', '', '', 'scores'], with: { qk_matmul_output_mode: 3 } },
  }
  it.each(Object.entries(forms))('%s', (_what, { feeds, ...form }) => expectOutputs(model(form), { feeds }, 2))

  it('refuses heads that do not divide', () => {
    expect(() =>
      here(model({ inputs: { ...flat, q: [2, 3, 15] }, with: { ...heads, q_num_heads: 3 } }), {}, 2),
    ).toThrow('m.onnx: node y (Attention): expected as many heads of Q for each of K, found 3 and 2')
    expect(() => here(model({ inputs: flat, with: { q_num_heads: 3, kv_num_heads: 2 } }), {}, 2)).toThrow(
      'expected [samples, heads, places, size], or [samples, places, 3 heads x size], found [2,3,20]',
    )
  })
})
