import { expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { withZeros } from '../../../src/formats/with-zeros.ts'
import { pruneStored } from '../../../src/methods/by-value/prune-stored.ts'
import { scaleOutliers } from '../../../src/methods/by-value/scale-outliers.ts'
import { type ModelText, mixed, modelBytes, type Stored } from '../../formats/onnx/models.ts'
import { pruned } from '../../formats/onnx/prune-weights.ts'

/** x W1, then W2 and so on. */
const chain = (stored: Record<string, Stored>): ModelText => {
  const names = Object.keys(stored)
  const steps = names.map((name, i) => ({ op: 'MatMul', in: [i === 0 ? 'x' : `h${i}`, name], out: `h${i + 1}` }))
  return { stored, steps, outputs: [`h${names.length}`] }
}
const matrix = (rows: number, columns: number, values: readonly number[], type?: Stored['type']): Stored => ({
  shape: [rows, columns],
  values,
  type,
})
const dataOf = (bytes: Uint8Array, key: string) => parseOnnx(bytes, 'm.onnx').stored.get(key)!().data
const floatsOf = (bytes: Uint8Array, key: string) => [...new Float32Array(Uint8Array.from(dataOf(bytes, key)).buffer)]

it('what does not change keeps its bits: -0, what is left of doubles, other tensors with NaN', () => {
  const odd = new Float32Array(new Uint32Array([0x7fc12345, 0xff800001, 0x80000000, 1]).buffer)
  const bytes = modelBytes({
    ...chain({ W: matrix(2, 3, [-0, 0.1, -5, 4, 3, 2]), D: matrix(3, 2, [1e300, 1e-300, 1 / 3, -0, 7, 8], 'double') }),
    outputs: ['h2'],
  })
  const { bytes: made, changes } = pruned(bytes, 0.5)
  expect(floatsOf(made, 'W').map((x) => Object.is(x, -0))).toEqual([true, false, false, false, false, false])
  expect([...new Float64Array(Uint8Array.from(dataOf(made, 'D')).buffer)]).toEqual([1e300, 0, 0, -0, 7, 8])
  expect([...changes.keys()]).toEqual(['W', 'D'])
  const tensor = { dtype: 'F32' as const, shape: [4], data: new Uint8Array(odd.buffer) }
  const after = withZeros(tensor, Uint8Array.of(0, 0, 1, 1))
  expect([...new Uint32Array(after.data.buffer)]).toEqual([0x7fc12345, 0xff800001, 0x80000000, 0])
})

it('zeros are put into a copy, of a view of a larger buffer too, and only where there are none', () => {
  const data = Buffer.from(Float32Array.of(9, 1, 2, 0).buffer).subarray(4)
  const tensor = { dtype: 'F32' as const, shape: [3], data }
  const after = withZeros(tensor, Uint8Array.of(1, 0, 1))
  expect([...new Float32Array(Uint8Array.from(after.data).buffer)]).toEqual([0, 2, 0])
  expect([...new Float32Array(Uint8Array.from(data).buffer)]).toEqual([1, 2, 0])
  expect(withZeros(tensor, Uint8Array.of(0, 0, 1))).toBe(tensor)
  const whole = { dtype: 'I8' as const, shape: [3], data: Uint8Array.of(5, 250, 3) }
  expect([...withZeros(whole, Uint8Array.of(1, 1, 0), -6).data]).toEqual([250, 250, 3])
  expect([...withZeros(whole, Uint8Array.of(1, 1, 0), [1, 2, 3]).data]).toEqual([1, 2, 3])
})

it('doubles are compared as doubles', () => {
  const close = [1 + 2 ** -40, 1, 1 + 2 ** -41, 1 + 2 ** -42]
  const { bytes } = pruned(modelBytes(chain({ D: matrix(2, 2, close, 'double') })), 0.5)
  expect([...new Float64Array(Uint8Array.from(dataOf(bytes, 'D')).buffer)]).toEqual([close[0], 0, close[2], 0])
})

it.each(['magnitude', 'random'] as const)('%s: zeros that are there count, and none comes back', (method) => {
  const values = mixed(40).map((value, i) => (i % 4 === 0 ? 0 : value))
  for (const scope of ['global', 'uniform', 'erk'] as const) {
    const bytes = modelBytes(chain({ W: matrix(4, 5, values.slice(0, 20)), V: matrix(5, 4, values.slice(20)) }))
    const left = pruned(bytes, 0.5, { method, scope }).tensors
    expect(left.reduce((sum, { kept }) => sum + kept, 0)).toBe(20)
    // A lower sparsity than the present one changes nothing.
    const { changes, tensors } = pruned(bytes, 0.2, { method, scope })
    expect(changes.size).toBe(0)
    expect(tensors).toMatchObject([
      { kept: 15, before: 15 },
      { kept: 15, before: 15 },
    ])
  }
})

it('of equal weights those at the end go, and a tensor that is emptied by that is named', () => {
  const same = (rows: number, columns: number) => matrix(rows, columns, Array(rows * columns).fill(0.5))
  const { tensors, emptied } = pruned(modelBytes(chain({ W: same(4, 5), V: same(5, 4) })), 0.5)
  expect(tensors).toMatchObject([{ kept: 20 }, { kept: 0 }])
  expect(emptied).toEqual(['V'])
})

it('a layer that reads a part of a tensor is named where nothing is left of that part', () => {
  const values = Array.from({ length: 24 }, (_, i) => (i % 6 < 2 ? 0.001 : 1 + i))
  const { emptied } = pruned(
    modelBytes({
      stored: { W: matrix(4, 6, values), parts: { shape: [2], values: [2, 4], type: 'int64' } },
      steps: [
        { op: 'Split', in: ['W', 'parts'], out: ['a', 'b'], with: { axis: 1 } },
        { op: 'MatMul', name: 'first', in: ['x', 'a'], out: 'y' },
        { op: 'MatMul', in: ['x', 'b'], out: 'z' },
      ],
      outputs: ['y', 'z'],
    }),
    0.5,
  )
  expect(emptied).toEqual(['node first (MatMul), a part of W'])
})

it('a tensor without any weight before is not said to be emptied', () => {
  const zeros = matrix(5, 4, Array(20).fill(0))
  expect(pruned(modelBytes(chain({ W: matrix(4, 5, mixed(20)), V: zeros })), 0.6).emptied).toEqual([])
})

it.each([
  ['NaN', [1, Number.NaN, 3, 4], 'tensor W holds NaN at index 1, expected finite values'],
  ['an infinity', [1, 2, 3, Number.NEGATIVE_INFINITY], 'tensor W holds -Infinity at index 3'],
])('%s is refused', (_what, values, message) => {
  expect(() => pruned(modelBytes(chain({ W: matrix(2, 2, values) })), 0.5)).toThrow(message)
})

it('a weight that is scaled to infinity is refused', () => {
  const text: ModelText = {
    stored: { W: matrix(2, 2, [1, 2, 3, 4]), s: { shape: [2], values: [1, 0] } },
    steps: [
      { op: 'Div', in: ['W', 's'], out: 'V' },
      { op: 'MatMul', in: ['x', 'V'], out: 'y' },
    ],
    outputs: ['y'],
  }
  expect(() => pruned(modelBytes(text), 0.5)).toThrow('tensor W is scaled to Infinity at index 1')
})

it('other files: halves stay halves, zeros that are there count', () => {
  const data = new Uint8Array(Uint16Array.of(0x3c00, 0, 0x4000, 0x4200).buffer)
  const file = { tensors: new Map([['w', { dtype: 'F16' as const, shape: [2, 2], data }]]), metadata: {} }
  const options = { method: 'random', scope: 'global', tensors: ['w'], seed: 3 } as const
  const { file: made, layers } = pruneStored(file, { ...options, sparsity: 0.25 })
  expect(made.tensors.get('w')).toEqual(file.tensors.get('w'))
  expect(layers).toEqual([{ name: 'w', size: 4, kept: 3 }])
  expect(pruneStored(file, { ...options, sparsity: 0.5 }).layers).toEqual([{ name: 'w', size: 4, kept: 2 }])
})

it('tensors of another scale: named where they are emptied, or alone untouched; not where the ranking says something of them', () => {
  const tensor = (name: string, size: number, kept: number) => ({
    name,
    before: 100,
    kept,
    magnitudes: () => Float32Array.from({ length: 100 }, (_, i) => size * (1 + i / 100)),
  })
  const names = (...tensors: ReturnType<typeof tensor>[]) => scaleOutliers(tensors).map(({ name }) => name)
  expect(names(tensor('a', 1, 40), tensor('b', 2, 60), tensor('mel', 0.001, 1))).toEqual(['mel'])
  expect(names(tensor('a', 1, 40), tensor('b', 2, 60), tensor('mel', 0.001, 50))).toEqual([])
  expect(names(tensor('a', 1, 40), tensor('b', 2, 60), tensor('mel', 0.05, 1))).toEqual([])
  expect(names(tensor('a', 1, 40), tensor('b', 2, 60), tensor('mel', 0.05, 0))).toEqual(['mel'])
  expect(names(tensor('a', 1, 40), tensor('b', 2, 60), tensor('dft', 900, 100))).toEqual(['dft'])
  expect(names(tensor('dft', 900, 100), tensor('w', 1, 0))).toEqual(['w'])
  expect(names(tensor('dft', 900, 100), tensor('w', 1, 100))).toEqual([])
})
