import { toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { withNetwork } from '../../../src/formats/onnx/network-weights.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { storeFloats, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { graphOf } from '../../../src/models/model.ts'
import { draws } from '../../support/breadth.ts'
import { type ModelText, modelBytes, type Stored } from './models.ts'
import { expectOutputs, here } from './outputs.ts'
import { normal } from './same.ts'

const floats = (shape: readonly number[], seed: string): Stored => ({
  shape,
  values: normal(shape, seed).map((x) => x / 2),
})

interface Form {
  op: 'LSTM' | 'GRU' | 'RNN'
  direction: 'forward' | 'reverse' | 'bidirectional'
  steps: number
  samples: number
  features: number
  hidden: number
  bias: boolean
  /** Lengths of sequences; undefined: all are whole. */
  lengths?: readonly number[]
  initial: 'none' | 'stored' | 'computed'
  peepholes?: boolean
  more?: ModelText['steps'][number]['with']
}

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const

/** How many activations a direction has. */
const ACTIVATED = { LSTM: 3, GRU: 2, RNN: 1 } as const
const ACTIVATIONS =
  'Relu Sigmoid Tanh Affine LeakyRelu ThresholdedRelu ScaledTanh HardSigmoid Elu Softsign Softplus'.split(' ')

/** One layer, and all that it gives. */
function model(form: Form): ModelText {
  const { op, direction, steps, samples, features, hidden, bias, lengths, initial, peepholes, more } = form
  const directions = direction === 'bidirectional' ? 2 : 1
  const width = GATES[op] * hidden
  const state = [directions, samples, hidden]
  const states = op === 'LSTM' ? ['h', 'c'] : ['h']
  const always = ['x', 'w', 'r', bias ? 'b' : '', lengths ? 'lengths' : '']
  const begun = initial === 'none' ? states.map(() => '') : states
  const inputs = [...always, ...begun, ...(peepholes ? ['p'] : [])]
  return {
    inputs: {
      x: [steps, samples, features],
      ...(initial === 'computed' && Object.fromEntries(states.map((name) => [name, state]))),
    },
    stored: {
      w: floats([directions, width, features], 'w'),
      r: floats([directions, width, hidden], 'r'),
      ...(bias && { b: floats([directions, 2 * width], 'b') }),
      ...(lengths && { lengths: { shape: [samples], values: lengths, type: 'int32' } }),
      ...(initial === 'stored' && Object.fromEntries(states.map((name) => [name, floats(state, name)]))),
      ...(peepholes && { p: floats([directions, 3 * hidden], 'p') }),
    },
    steps: [
      {
        op,
        in: inputs,
        out: ['y', 'last', ...(op === 'LSTM' ? ['cell'] : [])],
        with: { hidden_size: hidden, direction, ...more },
      },
    ],
    outputs: ['y', 'last', ...(op === 'LSTM' ? ['cell'] : [])],
  }
}

const forms = (op: Form['op']): fc.Arbitrary<Form> =>
  fc
    .record({
      direction: fc.constantFrom('forward' as const, 'reverse' as const, 'bidirectional' as const),
      steps: fc.integer({ min: 1, max: 5 }),
      samples: fc.integer({ min: 1, max: 3 }),
      features: fc.integer({ min: 1, max: 5 }),
      hidden: fc.integer({ min: 1, max: 6 }),
      bias: fc.boolean(),
      early: fc.boolean(),
      initial: fc.constantFrom('none' as const, 'stored' as const, 'computed' as const),
      clip: fc.constantFrom(undefined, 0.3),
      special: fc.boolean(),
      named: fc.option(
        fc.array(fc.constantFrom(...ACTIVATIONS), { minLength: ACTIVATED[op] * 2, maxLength: ACTIVATED[op] * 2 }),
        { nil: undefined },
      ),
    })
    .map(({ early, clip, special, named, ...form }) => ({
      op,
      ...form,
      ...(early && { lengths: Array.from({ length: form.samples }, (_, i) => 1 + ((i + 2) % form.steps)) }),
      peepholes: op === 'LSTM' && special,
      more: {
        ...(clip && { clip: { float: clip } }),
        ...(named && {
          activations: { strings: named.slice(0, form.direction === 'bidirectional' ? undefined : ACTIVATED[op]) },
          activation_alpha: { floats: [0.3, 0.7, 1.2, 0.4, 0.9, 0.6] },
          activation_beta: { floats: [0.4, 0.8, 0.1, 0.5, 0.7, 0.2] },
        }),
        ...(op === 'GRU' && special && { linear_before_reset: 1 }),
        ...(op === 'LSTM' && form.hidden % 3 === 0 && { input_forget: 1 }),
      },
    }))

describe('recurrent layers', () => {
  it.each(['LSTM', 'GRU', 'RNN'] as const)('%s as ONNX Runtime computes it', (op) =>
    fc.assert(
      fc.asyncProperty(forms(op), (form) => expectOutputs(modelBytes(model(form)), {}, form.steps)),
      draws(60),
    ),
  )

  // ONNX Runtime has no layout 1.
  it('with samples first give the same, with other axes first', () => {
    const form: Form = {
      op: 'LSTM',
      direction: 'bidirectional',
      steps: 3,
      samples: 2,
      features: 4,
      hidden: 5,
      bias: true,
      initial: 'none',
    }
    const [usual, turned] = [model(form), model({ ...form, more: { layout: 1 } })]
    const swap = (from: string, out: string, perm: number[]) => ({ op: 'Transpose', in: [from], out, with: { perm } })
    const moved: ModelText = {
      ...turned,
      steps: [
        swap('x', 'rows', [1, 0, 2]),
        { ...turned.steps[0], in: ['rows', ...turned.steps[0].in.slice(1)], out: ['one', 'two', 'three'] },
        swap('one', 'y', [1, 2, 0, 3]),
        swap('two', 'last', [1, 0, 2]),
        swap('three', 'cell', [1, 0, 2]),
      ],
    }
    const [one, other] = [usual, moved].map((text) => here(modelBytes(text), {}, 3))
    for (const [name, { shape, values }] of one) {
      expect(other.get(name)!.shape).toEqual(shape)
      values.forEach((value, i) => {
        expect(other.get(name)!.values[i]).toBeCloseTo(value, 6)
      })
    }
  })

  const network = (direction: Form['direction']): ModelText => {
    const form: Form = {
      op: 'LSTM',
      direction,
      steps: 4,
      samples: 1,
      features: 3,
      hidden: 5,
      bias: true,
      initial: 'none',
    }
    const { stored, steps } = model(form)
    return {
      inputs: { sequence: ['N', 4, 3] },
      stored: { ...stored, v: floats([5, 2], 'v'), axes: { shape: [1], values: [1], type: 'int64' } },
      steps: [
        { op: 'Transpose', in: ['sequence'], out: 'x', with: { perm: [1, 0, 2] } },
        ...steps,
        { op: 'ReduceMean', in: ['last'], out: 'state', with: { axes: [0], keepdims: 0 } },
        { op: 'MatMul', in: ['state', 'v'], out: 'scores' },
      ],
      outputs: ['scores', 'y'],
    }
  }

  it.each(['forward', 'bidirectional'] as const)(
    'are layers whose matrices are written back (%s)',
    async (direction) => {
      const { onnx } = readOnnx(modelBytes(network(direction)), 'm.onnx')
      if (onnx.network instanceof Error) throw onnx.network
      const { tensors, origins, model: built } = onnx.network
      const weights = prunableParameters(graphOf(built)).map(({ name, shape }) => [name, shape])
      const directions = direction === 'bidirectional' ? 2 : 1
      expect(weights).toEqual([
        ['w', [directions * 20, 3, 1, 1]],
        ['r', directions === 2 ? [40, 5, 1, 1] : [20, 5]],
        ['v', [2, 5]],
      ])
      expect(origins.get('r')?.source).toMatchObject({ key: 'r', transposed: false })

      const halved = new Map(
        [...tensors].map(([name, tensor]) => {
          const values = toFloats(tensor).map((value, i) => (i % 3 === 0 ? 0 : value))
          return [name, ['w', 'r'].includes(name) ? storeFloats(values, tensor.shape) : tensor] as const
        }),
      )
      const bytes = toBinary(ModelProtoSchema, withNetwork(onnx.file, onnx.network, halved))
      const { stored } = parseOnnx(bytes, 'm.onnx')
      for (const name of ['w', 'r']) {
        const { shape } = network(direction).stored![name]
        expect(stored.get(name)!().shape).toEqual(shape)
        expect(Array.from(toFloats(stored.get(name)!()))).toEqual(Array.from(toFloats(halved.get(name)!)))
      }
      await expectOutputs(bytes, {}, 3)
    },
  )

  it.each([
    [
      'an activation that does not run here',
      { more: { activations: { strings: ['Sigmoid', 'Sine', 'Tanh'] } } },
      'the activation Sine does not run here',
    ],
    [
      'too few activations',
      { more: { activations: { strings: ['Sigmoid'] } } },
      'expected 3 activations, found 1 (Sigmoid)',
    ],
    [
      'a direction that there is not',
      { more: { direction: 'sideways' } },
      'expected the direction forward, reverse or bidirectional, found sideways',
    ],
    ['another number of states', { more: { hidden_size: 7 } }, 'its hidden_size is 7, but R is [1,20,5]'],
  ])('refuse %s', (_what, more, text) => {
    const form = {
      op: 'LSTM',
      direction: 'forward',
      steps: 2,
      samples: 1,
      features: 3,
      hidden: 5,
      bias: false,
      initial: 'none',
      ...more,
    } as const
    expect(() => here(modelBytes(model(form)), {}, 2)).toThrow(`m.onnx: node y (LSTM): ${text}`)
  })
})
