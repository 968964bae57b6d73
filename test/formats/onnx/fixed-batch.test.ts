import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { type Step, written } from './build.ts'
import { expectSame, normal } from './same.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })
/** Each row the same. */
const rows = (count: number, shape: readonly number[], seed: string) => {
  const row = normal(shape, seed)
  return { shape: [count, ...shape], values: Array.from({ length: count }, () => row).flat() }
}

const cases = (batch: number): Record<string, Step[]> => ({
  'zeros are joined to what is computed': [
    { op: 'ConstantOfShape', inputs: ['zeros'] },
    { op: 'Concat', inputs: ['x', 'v1'], attributes: { axis: 1 } },
  ],
  'a stored row is joined to what is computed': [{ op: 'Concat', inputs: ['row', 'x'], attributes: { axis: -3 } }],
  'a stored row is added and multiplied': [
    { op: 'Add', inputs: ['row', 'x'] },
    { op: 'Mul', inputs: ['v1', 'row'] },
  ],
  'a slope per place': [{ op: 'PRelu', inputs: ['x', 'row'] }],
  'what is expanded': [
    { op: 'GlobalAveragePool', inputs: ['x'] },
    { op: 'Expand', inputs: ['v1', 'whole'] },
    { op: 'Mul', inputs: ['v2', 'x'] },
  ],
  'a constant that is expanded': [
    { op: 'Expand', inputs: ['number', 'whole'] },
    { op: 'Sub', inputs: ['x', 'v1'] },
  ],
  'shapes with what is left': [
    { op: 'Reshape', inputs: ['x', 'rest'] },
    { op: 'Reshape', inputs: ['v1', 'whole'] },
  ],
  'parts of a constant': [
    { op: 'Split', inputs: ['row', 'one and three'], attributes: { axis: 1 }, outputs: ['a', 'b'] },
    { op: 'Concat', inputs: ['b', 'a'], attributes: { axis: 1 } },
    { op: 'Add', inputs: ['x', 'v2'] },
  ],
  [`${batch} samples as a number of their own`]: [
    { op: 'Shape', inputs: ['x'] },
    { op: 'ConstantOfShape', inputs: ['v1'] },
    { op: 'Concat', inputs: ['x', 'v2'], attributes: { axis: 2 } },
  ],
})

describe.each([1, 2])('a file that was written for %i samples runs for any number', (batch) => {
  const stored = {
    zeros: whole(batch, 2, 3, 5),
    row: rows(batch, [4, 3, 5], 'row'),
    number: floats([1, 1, 1, 1], 'n'),
    whole: whole(batch, 4, 3, 5),
    rest: whole(batch, -1),
    'one and three': whole(1, 3),
  }
  it.each(Object.entries(cases(batch)))('%s', (_name, steps) => expectSame({ input: [batch, 4, 3, 5], stored, steps }))
})

it('rows that are not the same for all samples are refused, naming the node', () => {
  const stored = { row: floats([2, 4], 'row') }
  for (const step of [
    { op: 'Add', inputs: ['x', 'row'] },
    { op: 'Concat', inputs: ['x', 'row'], attributes: { axis: 1 } },
  ]) {
    const { network } = readOnnx(written({ input: [2, 4], stored, steps: [step] }), 'm.onnx').onnx
    expect(String(network)).toContain(`m.onnx: node y (${step.op}): a constant has another row for each of 2 samples`)
  }
})
