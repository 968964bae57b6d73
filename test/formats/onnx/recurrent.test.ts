import fc from 'fast-check'
import { describe, it } from 'vitest'
import { type ModelText, modelBytes, type Stored } from './models.ts'
import { expectOutputs } from './outputs.ts'
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
      { numRuns: 60 },
    ),
  )
})
