import fc from 'fast-check'
import { describe, it } from 'vitest'
import { draws } from '../../support/breadth.ts'
import type { Step, Stored, Written } from './build.ts'
import { expectSame, normal } from './same.ts'

const [channels, rows, columns] = [4, 3, 5]
const floats = (shape: readonly number[], seed: string): Stored => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]): Stored => ({ shape: [values.length], values, whole: true })

/** Stored numbers that any step may take: broadcast to images, or lists. */
const stored = (seed: number): Record<string, Stored> => ({
  map: floats([1, channels, rows, columns], `map ${seed}`),
  channel: floats([channels, 1, 1], `channel ${seed}`),
  number: floats([], `number ${seed}`),
  rest: whole(0, -1),
  shape: whole(0, channels, rows, columns),
  last: whole(-1),
  start: whole(1),
  end: whole(9),
  low: { shape: [], values: [-0.6] },
  high: { shape: [], values: [0.7] },
  even: whole(2, 2),
})

/**
 * Steps on a value that keep its shape, [.., channels, rows, columns] or what is broadcast to it: they are
 * computed at once where the value is a constant.
 */
type Link = (value: string, other: string, name: string) => Step[]
const unary =
  (op: string, attributes?: Step['attributes']): Link =>
  (value, _other, name) => [{ op, inputs: [value], attributes, output: name }]
const binary =
  (op: string): Link =>
  (value, other, name) => [{ op, inputs: [value, other], output: name }]
const links: Record<string, Link> = {
  ...Object.fromEntries(['Relu', 'Neg', 'Abs', 'Sigmoid', 'Tanh', 'Identity', 'Dropout'].map((op) => [op, unary(op)])),
  ...Object.fromEntries(['Add', 'Sub', 'Mul', 'Max', 'Min'].map((op) => [op, binary(op)])),
  Cast: unary('Cast', { to: 1 }),
  Clip: (value, _other, name) => [{ op: 'Clip', inputs: [value, 'low', 'high'], output: name }],
  'Clip that crosses': (value, _other, name) => [{ op: 'Clip', inputs: [value, 'high', 'low'], output: name }],
  Sum: (value, other, name) => [{ op: 'Sum', inputs: [value, other, value], output: name }],
  'a root': (value, _other, name) => [
    { op: 'Abs', inputs: [value], output: `${name} a` },
    { op: 'Sqrt', inputs: [`${name} a`], output: name },
  ],
  'a quotient': (value, other, name) => [
    { op: 'Abs', inputs: [other], output: `${name} a` },
    { op: 'Max', inputs: [`${name} a`, 'high'], output: `${name} b` },
    { op: 'Div', inputs: [value, `${name} b`], output: name },
  ],
  'less its mean': (value, _other, name) => [
    { op: 'ReduceMean', inputs: [value], attributes: { axes: [-1, -2] }, output: `${name} a` },
    { op: 'Sub', inputs: [value, `${name} a`], output: name },
  ],
  'times its sum': (value, _other, name) => [
    { op: 'ReduceSum', inputs: [value, 'last'], output: `${name} a` },
    { op: 'Tanh', inputs: [`${name} a`], output: `${name} b` },
    { op: 'Mul', inputs: [`${name} b`, value], output: name },
  ],
}

/** Steps on images alone. */
const moves: Record<string, Link> = {
  'there and back': (value, _other, name) => [
    { op: 'Transpose', inputs: [value], attributes: { perm: [0, 2, 3, 1] }, output: `${name} a` },
    { op: 'Relu', inputs: [`${name} a`], output: `${name} b` },
    { op: 'Transpose', inputs: [`${name} b`], attributes: { perm: [0, 3, 1, 2] }, output: name },
  ],
  'flat and back': (value, _other, name) => [
    { op: 'Reshape', inputs: [value, 'rest'], output: `${name} a` },
    { op: 'Shape', inputs: [value], output: `${name} b` },
    { op: 'Reshape', inputs: [`${name} a`, `${name} b`], output: name },
  ],
  'cut and joined': (value, _other, name) => [
    { op: 'Split', inputs: [value, 'even'], attributes: { axis: 1 }, outputs: [`${name} a`, `${name} b`] },
    { op: 'Concat', inputs: [`${name} b`, `${name} a`], attributes: { axis: -3 }, output: name },
  ],
  'a slice beside itself': (value, _other, name) => [
    { op: 'Slice', inputs: [value, 'start', 'end', 'last'], output: `${name} a` },
    { op: 'Slice', inputs: [value, 'last', 'end', 'last'], output: `${name} b` },
    { op: 'Concat', inputs: [`${name} a`, `${name} b`], attributes: { axis: 3 }, output: name },
  ],
  'the largest around': (value, _other, name) => [
    {
      op: 'MaxPool',
      inputs: [value],
      output: name,
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    },
  ],
}

const names = Object.keys({ ...links, ...moves })
const link = fc.record({ name: fc.constantFrom(...names), on: fc.nat(), with: fc.nat() })

/**
 * Every link takes values that are there: at first an image and the stored numbers. What is made of constants
 * alone is a constant.
 */
function chain(choices: readonly { name: string; on: number; with: number }[], seed: number, input: number): Written {
  const images = ['x']
  const constants = ['map', 'channel', 'number']
  const steps: Step[] = []
  choices.forEach((choice, i) => {
    const name = `v${i}`
    const all = [...images, ...constants]
    const on = choice.name in moves ? images[choice.on % images.length] : all[choice.on % all.length]
    // A number has no axes to take a mean over.
    const value = on === 'number' ? 'map' : on
    const other = all[choice.with % all.length]
    const made = { ...links, ...moves }[choice.name](value, other, name)
    steps.push(...made)
    const used = new Set(made.flatMap(({ inputs }) => inputs))
    if ([...used].some((one) => images.includes(one))) images.push(name)
    else if (used.has('map') || value === 'map') constants.push(name)
  })
  // All images that were made count, and the constants that were made.
  const sum = [...images, ...constants.slice(3)]
  steps.push({ op: 'Sum', inputs: sum, output: 'sum' })
  steps.push({ op: 'Tanh', inputs: ['sum'] })
  return { input: [input, channels, rows, columns], stored: stored(seed), steps }
}

describe('chains of operators, some of constants alone, as ONNX Runtime computes them', () => {
  it.each([
    ['any number of samples', -1],
    ['one sample', 1],
  ])('written for %s', (_name, input) =>
    fc.assert(
      fc.asyncProperty(fc.array(link, { minLength: 1, maxLength: 7 }), fc.nat(20), (choices, seed) =>
        expectSame(chain(choices, seed, input)),
      ),
      draws(150),
    ),
  )
})
