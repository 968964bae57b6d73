/** @file Models in ONNX's QDQ form as TensorFlow Lite files in whole numbers. */
import { beforeAll, describe, expect, it } from 'vitest'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { random } from '../../../src/util/random.ts'
import { largestDifference } from '../../support/difference.ts'
import { type LiteRtResult, onLiteRt } from '../../support/litert.ts'
import { runModel } from '../../support/onnx.ts'
import { type ModelText, mixed, modelBytes, type Step, type Stored } from '../onnx/models.ts'
import { channelsLast, type Written, written } from './written.ts'

/** Steps and stored tensors of a model that grows. */
class Qdq {
  readonly steps: Step[] = []
  readonly stored: Record<string, Stored> = {}

  /** Rounds a value; the name of what is rounded. Bytes with a sign where the zero is below 0. */
  round(name: string, scale: number, zero: number): string {
    const type = zero < 0 ? 'int8' : 'uint8'
    this.stored[`${name}_s`] = { shape: [], values: [scale] }
    this.stored[`${name}_z`] = { shape: [], values: [zero], type }
    this.steps.push({ op: 'QuantizeLinear', in: [name, `${name}_s`, `${name}_z`], out: `${name}_q` })
    this.steps.push({ op: 'DequantizeLinear', in: [`${name}_q`, `${name}_s`, `${name}_z`], out: `${name}_d` })
    return `${name}_d`
  }

  /** Stored codes with a scale for each place of an axis, or one for all; the name of their floats. */
  codes(name: string, shape: readonly number[], scales: readonly number[], axis = 0, type: 'int8' | 'int32' = 'int8') {
    const values = mixed(sizeOf(shape), name.length).map((x) => Math.round(80 * Math.sin(40 * x)))
    const list = scales.length > 1 ? [scales.length] : []
    this.stored[`${name}_q`] = { shape, values, type }
    this.stored[`${name}_s`] = { shape: list, values: scales }
    this.stored[`${name}_z`] = { shape: list, values: scales.map(() => 0), type }
    this.steps.push({ op: 'DequantizeLinear', in: [`${name}_q`, `${name}_s`, `${name}_z`], out: name, with: { axis } })
    return name
  }

  add(op: string, inputs: string[], out: string, attributes: Step['with'] = {}): string {
    this.steps.push({ op, in: inputs, out, with: attributes })
    return out
  }

  model(image: readonly number[], ...outputs: string[]): ModelText {
    return { inputs: { x: ['N', ...image] }, stored: this.stored, steps: this.steps, outputs }
  }
}

const range = (count: number, from: number, step: number) => Array.from({ length: count }, (_, i) => from + i * step)

/** A convolution with bias whose result is rounded; the name of that. */
function conv(
  q: Qdq,
  x: string,
  name: string,
  shape: readonly number[],
  [inScale, outScale, outZero]: readonly number[],
  attributes: Step['with'] = {},
  activation = '',
) {
  const scales = range(shape[0], 0.004, 0.0007)
  const steps = scales.map((scale) => scale * inScale)
  const weights = [q.codes(`${name}_w`, shape, scales), q.codes(`${name}_b`, [shape[0]], steps, 0, 'int32')]
  const y = q.add('Conv', [x, ...weights], `${name}_y`, attributes)
  return q.round(activation ? q.add(activation, [y], `${name}_a`) : y, outScale, outZero)
}

function chain(): ModelText {
  const q = new Qdq()
  const x = q.round('x', 0.03, 120)
  const around = [1, 1, 1, 1]
  const a = conv(q, x, 'a', [8, 3, 3, 3], [0.03, 0.05, 0], { pads: around, strides: [2, 2] }, 'Relu')
  const b = conv(q, a, 'b', [8, 1, 3, 3], [0.05, 0.06, -20], { pads: around, group: 8 })
  const c = conv(q, b, 'c', [8, 8, 1, 1], [0.06, 0.08, 110])
  const sum = q.round(q.add('Add', [a, c], 'sum'), 0.09, 100)
  const pool = q.round(
    q.add('MaxPool', [sum], 'pool', { kernel_shape: [3, 3], strides: [2, 2], pads: around }),
    0.09,
    100,
  )
  const rows = q.round(q.add('Flatten', [pool], 'rows'), 0.09, 100)
  const w = q.codes('w', [5, 72], range(5, 0.01, 0.002))
  const bias = q.codes('bias', [5], range(5, 0.0009, 0.00018), 0, 'int32')
  const y = q.round(q.add('Gemm', [rows, w, bias], 'dense', { transB: 1 }), 0.3, 128)
  return q.model([3, 12, 11], y)
}

function floatsBetween(): ModelText {
  const q = new Qdq()
  const x = q.round('x', 0.03, 120)
  const a = conv(q, x, 'a', [6, 3, 3, 3], [0.03, 0.05, 90], { dilations: [2, 2] })
  // What is no operator of whole numbers there, and then an input of another scale.
  const gate = q.round(q.add('Sigmoid', [a], 'gate'), 1 / 255, 0)
  const b = q.round(q.add('Mul', [a, gate], 'product'), 0.04, 80)
  const mean = q.round(q.add('GlobalAveragePool', [b], 'mean'), 0.02, 110)
  const rows = q.add('Flatten', [mean], 'rows')
  const w = q.codes('w', [6, 4], range(4, 0.01, 0.003), 1)
  return q.model([3, 9, 10], q.add('MatMul', [rows, w], 'y'))
}

function concatenated(): ModelText {
  const q = new Qdq()
  const x = q.round('x', 0.03, -8)
  const a = conv(q, x, 'a', [4, 3, 1, 1], [0.03, 0.05, -10])
  const b = conv(q, x, 'b', [4, 3, 3, 3], [0.03, 0.05, -10], { pads: [1, 1, 1, 1] })
  const joined = q.add('Concat', [a, b], 'joined', { axis: 1 })
  const moved = q.add('Transpose', [joined], 'moved', { perm: [0, 1, 3, 2] })
  return q.model([3, 7, 6], q.add('Relu', [moved], 'y'))
}

/** Weights alone are bytes: what is computed are floats. */
function weightsAlone(): ModelText {
  const q = new Qdq()
  const a = q.add('Conv', ['x', q.codes('a_w', [6, 3, 3, 3], range(6, 0.004, 0.0007))], 'a', { strides: [2, 2] })
  const rows = q.add('Flatten', [q.add('Relu', [a], 'r')], 'rows')
  return q.model([3, 9, 9], q.add('Gemm', [rows, q.codes('w', [5, 96], [0.02])], 'y', { transB: 1 }))
}

/** A grid of weights that are not around 0 is none of TensorFlow Lite: they are floats there. */
function shiftedWeights(): ModelText {
  const q = new Qdq()
  const x = q.round('x', 0.03, 120)
  const w = q.codes('w', [4, 3, 1, 1], range(4, 0.004, 0.0007))
  q.stored.w_z = { shape: [4], values: [3, 0, -5, 1], type: 'int8' }
  return q.model([3, 5, 6], q.round(q.add('Conv', [x, w], 'c'), 0.05, 128))
}

/** Models, the step of their outputs (0: floats that differ by rounding alone), and their operators. */
const cases: Record<string, { text: ModelText; step: number; operators: string }> = {
  'a chain of layers': {
    text: chain(),
    step: 0.3,
    operators:
      'QUANTIZE PAD CONV_2D DEPTHWISE_CONV_2D CONV_2D ADD PADV2 MAX_POOL_2D RESHAPE FULLY_CONNECTED DEQUANTIZE',
  },
  'floats in between': {
    text: floatsBetween(),
    step: 0.05,
    operators: 'QUANTIZE CONV_2D DEQUANTIZE LOGISTIC QUANTIZE MUL MEAN RESHAPE DEQUANTIZE DEQUANTIZE FULLY_CONNECTED',
  },
  'joined and moved codes': {
    text: concatenated(),
    step: 0.05,
    operators: 'QUANTIZE CONV_2D CONV_2D CONCATENATION RELU TRANSPOSE DEQUANTIZE',
  },
  'weights alone': {
    text: weightsAlone(),
    step: 0,
    operators: 'DEQUANTIZE CONV_2D RESHAPE DEQUANTIZE FULLY_CONNECTED',
  },
  'weights that are not around 0': {
    text: shiftedWeights(),
    step: 0.05,
    operators: 'QUANTIZE DEQUANTIZE CONV_2D QUANTIZE DEQUANTIZE',
  },
}
const names = Object.keys(cases)
const files: Written[] = []
let results: LiteRtResult[] = []

const inputOf = ({ inputs }: ModelText) => {
  const shape = Object.values(inputs!)[0] as (number | string)[]
  const sizes = shape.map((n) => (typeof n === 'string' ? 1 : n))
  const draw = random(7, 'input')
  return { shape: sizes, values: Float32Array.from({ length: sizeOf(sizes) }, () => draw.normal()) }
}

beforeAll(async () => {
  const jobs = names.map((name) => {
    const { text } = cases[name]
    const { shape, values } = inputOf(text)
    files.push(written(modelBytes(text)))
    const [n, c, h, w] = shape
    return { bytes: files.at(-1)!.bytes, inputs: [{ shape: [n, h, w, c], values: channelsLast(values, shape) }] }
  })
  results = await onLiteRt(jobs)
}, 60_000)

it.each([
  ['uint8', 100],
  ['int8', -28],
])('values beyond a grid of %s have its last code', async (_, zero) => {
  const q = new Qdq()
  const text = q.model([3, 5, 6], q.round('x', 0.01, zero))
  const { shape, values } = inputOf(text)
  const [n, c, h, w] = shape
  const inputs = [{ shape: [n, h, w, c], values: channelsLast(values, shape) }]
  const [{ outputs }] = await onLiteRt([{ bytes: written(modelBytes(text)).bytes, inputs }])
  const least = Math.min(...outputs[0].values)
  const most = Math.max(...outputs[0].values)
  expect([least, most].map((value) => Math.round(100 * value))).toEqual([-100, 155])
  const rounded = inputs[0].values.map((x) => Math.min(Math.max(Math.round(100 * x), -100), 155) / 100)
  expect(largestDifference(outputs[0].values, rounded)).toBeLessThan(0.005)
})

it('of weights that are bytes zeros are stored like others, and nothing is said of them', () => {
  const q = new Qdq()
  conv(q, q.round('x', 0.03, 120), 'a', [8, 3, 1, 1], [0.03, 0.05, 90])
  const { values } = q.stored.a_w_q
  q.stored.a_w_q = { ...q.stored.a_w_q, values: values.map((code, i) => (i % 5 === 0 ? code : 0)) }
  const { operators, skipsZeros, notes } = written(modelBytes(q.model([3, 5, 6], 'a_y_d')))
  expect([operators.join(' '), skipsZeros, notes]).toEqual(['QUANTIZE CONV_2D DEQUANTIZE', false, []])
})

describe('LiteRT computes what ONNX Runtime does, to a step of the last grid', () => {
  it.each(names)('%s', async (name) => {
    const { text, step, operators } = cases[name]
    const i = names.indexOf(name)
    expect(results[i].error).toBeUndefined()
    const [found] = results[i].outputs
    const [values] = (await runModel(modelBytes(text), new Map([['x', inputOf(text)]]))).values()
    const [n, h, w, c] = found.shape
    const expected = found.shape.length === 4 ? channelsLast(values, [n, c, h, w]) : values
    const differences = found.values.map((value, at) => Math.abs(value - expected[at]))
    const largest = Math.max(...expected.map(Math.abs))
    expect(largest).toBeGreaterThan(4 * step)
    expect(Math.max(...differences)).toBeLessThan(step > 0 ? 1.01 * step : 1e-4 * largest)
    // Rounding differs in few places: a wrong scale or a wrong order would not.
    expect(differences.reduce((a, b) => a + b) / differences.length).toBeLessThan(Math.max(0.1 * step, 1e-5 * largest))
    expect(files[i].operators.join(' ')).toBe(operators)
  })
})
