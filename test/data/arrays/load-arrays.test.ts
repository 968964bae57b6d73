import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ArrayOptions, isArrays, loadArrays } from '../../../src/data/arrays/load-arrays.ts'
import { encodeSafetensors } from '../../../src/formats/safetensors-bytes.ts'
import { UserError } from '../../../src/util/errors.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { floats, npyBytes, sound16, wavBytes, writeNpy, writeNpz } from './array-files.ts'

const one: ArrayOptions = { inputs: [{ name: 'x', shape: [2, 3] }], image: [1, 1, 6], network: 'net' }
const two: ArrayOptions = {
  inputs: [
    { name: 'x', shape: [2] },
    { name: 'state/h', shape: [3], whole: true },
  ],
  image: [1, 1, 5],
  network: 'net',
}
const count = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i)
const load = (path: string, options = one) => loadArrays(path, 'data', options)
const refusal = async (path: string, options = one) => {
  try {
    await load(path, options)
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    return (error as Error).message
  }
  return undefined
}

it('the array of a file: every fifth sample is one of the test', async () => {
  const path = writeNpy(join(temporaryFolder(), 'any.npy'), [7, 2, 3], count(42))
  const data = await load(path)
  expect(data).toMatchObject({ name: 'data', floats: true, image: [1, 1, 6] })
  expect(data.classes).toBeUndefined()
  expect([data.train.count, data.test.count]).toEqual([6, 1])
  expect([...data.test.images]).toEqual(count(6, 24))
  expect([...data.train.images]).toEqual([...count(24), ...count(12, 30)])
  expect(data.notes).toEqual(['of every 5 samples the last one is one of the test: 1 of 7'])
})

it('a single sample is both parts, of two the second is the test', async () => {
  const folder = temporaryFolder()
  const single = await load(writeNpy(join(folder, 'a.npy'), [2, 3], count(6)))
  expect([[...single.train.images], [...single.test.images]]).toEqual([count(6), count(6)])
  const pair = await load(writeNpy(join(folder, 'b.npy'), [2, 1, 2, 3], count(12)))
  expect([[...pair.train.images], [...pair.test.images]]).toEqual([count(6), count(6, 6)])
})

it('the files of a folder follow each other by the numbers in their names; train/ and test/ are parts', async () => {
  const folder = temporaryFolder()
  for (const part of ['train', 'val']) mkdirSync(join(folder, part))
  writeNpy(join(folder, 'train', '10.npy'), [1, 2, 3], count(6, 100))
  writeNpy(join(folder, 'train', '9.npy'), [2, 2, 3], count(12))
  writeFileSync(join(folder, 'train', 'notes.txt'), 'x')
  writeFileSync(join(folder, 'val', 'a.f32'), Buffer.from(Float32Array.from(count(6, 50)).buffer))
  const { train, test, notes } = await load(folder)
  expect([...train.images]).toEqual([...count(12), ...count(6, 100)])
  expect([...test.images]).toEqual(count(6, 50))
  expect(notes).toEqual([])
})

it('several inputs lie one behind the other in every sample, whatever holds them', async () => {
  const expected = [0, 1, 20, 21, 22, 2, 3, 23, 24, 25]
  const [x, h] = [
    floats([2, 2], count(4)),
    npyBytes({ descr: '<i8', shape: [2, 3], data: BigInt64Array.from(count(6, 20), BigInt) }),
  ]
  const rows = ({ train, test }: Awaited<ReturnType<typeof load>>) => [...train.images, ...test.images]
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'x.npy'), x)
  writeFileSync(join(folder, 'state_h.npy'), h)
  expect(rows(await load(folder, two))).toEqual(expected)
  expect(rows(await load(writeNpz(join(temporaryFolder(), 'a.npz'), { 'state/h': h, x }), two))).toEqual(expected)
  const tensors = temporaryFolder()
  const f32 = (shape: number[], values: number[]) =>
    ({ dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) }) as const
  for (const [i, name] of ['a', 'b'].entries()) {
    const parts = new Map([
      ['x', f32([1, 2], count(2, 2 * i))],
      ['state/h', f32([3], count(3, 20 + 3 * i))],
    ])
    writeFileSync(join(tensors, `${name}.safetensors`), encodeSafetensors({ tensors: parts, metadata: {} }))
  }
  expect(rows(await load(tensors, two))).toEqual(expected)
})

it('channels that come last come first in what the network is given', async () => {
  const options: ArrayOptions = {
    inputs: [{ name: 'x', shape: [1, 2, 3], layout: 'NHWC' }],
    image: [3, 1, 2],
    network: 'n',
  }
  const { train } = await load(writeNpy(join(temporaryFolder(), 'x.npy'), [1, 1, 2, 3], [1, 2, 3, 11, 12, 13]), options)
  expect([...train.images]).toEqual([1, 11, 2, 12, 3, 13])
})

it('labels stand beside the inputs, and are classes of the network', async () => {
  const path = join(temporaryFolder(), 'a.npz')
  const labels = (...values: number[]) => npyBytes({ descr: '|u1', shape: [5], data: Uint8Array.from(values) })
  writeNpz(path, { x: floats([5, 2, 3], count(30)), labels: labels(2, 0, 1, 0, 3) })
  const data = await load(path, { ...one, classes: 10 })
  expect([data.classes, [...data.train.labels!], [...data.test.labels!]]).toEqual([10, [2, 0, 1, 0], [3]])
  expect((await load(path)).classes).toBe(4)
  expect(await refusal(path, { ...one, classes: 3 })).toBe(`${path} has the label 3, expected at most 2 of net`)
  writeNpz(path, { x: floats([1, 2, 3], count(6)), labels: labels(0, 1, 0, 1, 0) })
  expect(await refusal(path)).toBe(`${path} has 5 labels, expected one for each of 1 samples`)
})

it('sound is cut into stretches as long as the input; a rest is left out', async () => {
  const folder = temporaryFolder()
  const sound: ArrayOptions = { inputs: [{ name: 'wave', shape: [1, 2] }], image: [1, 1, 2], network: 'net' }
  const put = (name: string, rate: number, values: number[]) =>
    writeFileSync(join(folder, name), wavBytes({ rate, data: sound16(values) }))
  put('a.wav', 8000, [0, 16384, -16384, 8192, 5])
  put('b.wav', 8000, [1024, 2048])
  const { train, test, notes } = await load(folder, sound)
  expect([...train.images, ...test.images]).toEqual([0, 0.5, -0.5, 0.25, 1 / 32, 1 / 16])
  expect(notes).toContain('sound has 8,000 samples a second')
  put('c.wav', 16000, [1, 2])
  const [a, c] = ['a.wav', 'c.wav'].map((name) => join(folder, name))
  expect(await refusal(folder, sound)).toBe(`${c} has 16,000 samples a second, expected 8,000 (${a}): resample it`)
  expect(await refusal(a, { ...sound, rate: 16000 })).toBe(
    `${a} has 8,000 samples a second, expected 16,000 (--rate): resample it`,
  )
  put('a.wav', 8000, [1])
  expect(await refusal(a, sound)).toBe(`${a} has 1 samples of sound, expected at least the 2 of input wave`)
})

it('arrays that do not fit the network are refused in a sentence each', async () => {
  const folder = temporaryFolder()
  const x = join(folder, 'x.npy')
  writeNpy(x, [4, 2], count(8))
  expect(await refusal(folder, two)).toBe(
    `${folder} has no array for the input state/h [3] of net: expected x, state/h`,
  )
  writeNpy(join(folder, 'h.npy'), [4, 3], count(12))
  expect(await refusal(folder, two)).toBe(
    `${join(folder, 'h.npy')} does not say for which input it is: expected x, state/h as its name`,
  )
  const h = join(folder, 'state_h.npy')
  writeFileSync(join(folder, 'h.npy'), '')
  const other = temporaryFolder()
  const pair = (n: number, values = count(3 * n)) => {
    writeNpy(join(other, 'x.npy'), [4, 2], count(8))
    writeNpy(join(other, 'state_h.npy'), [n, 3], values)
  }
  pair(3)
  expect(await refusal(other, two)).toBe(`${other} has 3 samples of input state/h, expected 4 as of x`)
  pair(4, [0, 1, 2, 3, 4, 0.5, ...count(6)])
  expect(await refusal(other, two)).toBe(
    `${join(other, 'state_h.npy')} has 0.5 in sample 1 of input state/h, expected whole numbers`,
  )
  expect(h).toContain('state_h')
  expect(await refusal(x)).toBe(`${x} has shape [4, 2], expected [n, 2, 3] for input x`)
  writeNpy(x, [4, 3, 2], count(24))
  expect(await refusal(x)).toBe(`${x} has shape [4, 3, 2], expected [n, 2, 3] for input x`)
  for (const value of [Number.NaN, Infinity]) {
    writeNpy(x, [2, 2, 3], count(12).with(7, value))
    expect(await refusal(x)).toBe(`${x} has ${value} in sample 1 of input x, expected finite numbers`)
  }
  const raw = join(folder, 'x.f32')
  writeFileSync(raw, Buffer.from(Float32Array.from(count(7)).buffer))
  expect(await refusal(raw)).toBe(`${raw} has 7 floats, expected a multiple of the 6 of input x [2, 3]`)
  const npz = writeNpz(join(folder, 'x.npz'), { x: floats([1, 2, 3], count(6)), y: floats([1], [0]) })
  expect(await refusal(npz)).toBe(
    `${npz}: y is no input: expected no other arrays than those of inputs, labels and targets`,
  )
  writeFileSync(npz, 'no archive')
  expect(await refusal(npz)).toBe(`${npz} is not a valid .npz file: it cannot be unpacked`)
})

it('only what holds arrays is taken for such', async () => {
  const folder = temporaryFolder()
  expect(isArrays(folder)).toBe(false)
  writeFileSync(join(folder, 'a.txt'), '')
  expect([isArrays(folder), isArrays(join(folder, 'a.txt')), isArrays(join(folder, 'b.npy'))]).toEqual([
    false,
    false,
    false,
  ])
  writeNpy(join(folder, 'b.npy'), [1], [0])
  expect([isArrays(folder), isArrays(join(folder, 'b.npy'))]).toEqual([true, true])
})

it('states that sound does not hold are filled in before samples become two parts', async () => {
  const folder = temporaryFolder()
  const inputs = [
    { name: 'wave', shape: [2] },
    { name: 'h', shape: [1] },
  ]
  const followed: number[][] = []
  const recurrence = {
    states: ['h'],
    note: 'states are carried',
    fill: async (rows: Float32Array, follow: ReadonlySet<number>) => {
      followed.push([...follow])
      for (const n of follow) rows[3 * n + 2] = 100 + n
    },
  }
  const sound: ArrayOptions = { inputs, image: [1, 1, 3], network: 'net', recurrence }
  const put = (name: string, values: number[]) =>
    writeFileSync(join(folder, name), wavBytes({ data: sound16(values.map((value) => 2 ** 14 * value)) }))
  put('a.wav', [0, 1, 0, 1, 0, 1])
  put('b.wav', [1, 0, 1, 0, 1])
  const { train, test, notes } = await load(folder, sound)
  expect([...train.images]).toEqual([0, 0.5, 0, 0, 0.5, 101, 0, 0.5, 102, 0.5, 0, 0])
  expect([...test.images]).toEqual([0.5, 0, 104])
  expect(notes).toContain('states are carried')
  expect(followed).toEqual([[1, 2, 4]])
  // What somebody has written of them is taken.
  writeNpy(join(folder, 'h.npy'), [5, 1], [1, 2, 3, 4, 5])
  const given = await load(folder, sound)
  expect([...given.train.images].filter((_, i) => i % 3 === 2)).toEqual([1, 2, 3, 4])
  expect([given.notes?.includes('states are carried'), followed.length]).toEqual([false, 1])
  // Arrays do not say what follows what.
  const arrays = writeNpy(join(temporaryFolder(), 'wave.npy'), [5, 2], count(10))
  expect(await refusal(arrays, sound)).toBe(`${arrays} has no array for the input h [1] of net: expected wave, h`)
})
