import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Hdf5Reader, isHdf5, nameOf, readHdf5, writeHdf5 } from '../../src/formats/hdf5.ts'
import { type StoredTensor, storeFloats, toFloats } from '../../src/formats/safetensors.ts'
import { readWeights, writeWeights } from '../../src/formats/weights-file.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'
import { espalier } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { breadth } from '../support/breadth.ts'

const weights = () => ({
  tensors: new Map([
    ['fc1.weight', storeFloats(Float32Array.of(0, -1.5, 0, 1e-40, 3, 0), [2, 3])],
    ['a/b.bias', storeFloats(Float32Array.of(7), [1])],
  ]),
  metadata: { model: 'lenet-300-100' },
})

it.each(['weights.hdf5', 'weights.h5', 'weights.H5', 'weights.safetensors'])(
  '%s: what is written is read again',
  async (name) => {
    const path = join(temporaryFolder(), name)
    await writeWeights(path, weights())
    expect(isHdf5(readFileSync(path))).toBe(!name.endsWith('safetensors'))
    const { tensors, metadata } = await readWeights(path)
    expect(metadata).toEqual({ model: 'lenet-300-100' })
    expect([...tensors].map(([key, { shape }]) => [key, [...shape]]).sort()).toEqual([
      ['a/b.bias', [1]],
      ['fc1.weight', [2, 3]],
    ])
    for (const [key, tensor] of weights().tensors) expect(toFloats(tensors.get(key)!)).toEqual(toFloats(tensor))
  },
)

it('types are kept, to the bit: doubles, integers of any width, scalars', async () => {
  const path = join(temporaryFolder(), 'types.h5')
  const of = (dtype: StoredTensor['dtype'], array: ArrayBufferView, shape: number[]): StoredTensor => ({
    dtype,
    shape,
    data: new Uint8Array(array.buffer as ArrayBuffer),
  })
  const tensors = new Map([
    ['d', of('F64', Float64Array.of(0.1, 1e300), [2])],
    ['q', of('I64', BigInt64Array.of(2n ** 60n + 1n), [])],
    ['i', of('I32', Int32Array.of(2 ** 30 + 1), [1])],
    ['h', of('I16', Int16Array.of(-3, 4), [2, 1])],
    ['b', of('I8', Int8Array.of(-128), [1])],
    ['u', of('U8', Uint8Array.of(255), [1])],
  ])
  await writeHdf5(path, { tensors, metadata: {} })
  const found = (await readHdf5(path)).tensors
  for (const [name, { dtype, shape, data }] of tensors) {
    expect(found.get(name), name).toMatchObject({ dtype, shape })
    expect([...found.get(name)!.data], name).toEqual([...data])
  }
  await writeHdf5(path, { tensors: new Map([['e', of('F16', Uint16Array.of(0x3c00), [1])]]), metadata: {} })
  expect((await readHdf5(path)).tensors.get('e')).toMatchObject({ dtype: 'F32' })
})

it('a file of the published code: its names, counters of batches, lists of widths', async () => {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const path = join(temporaryFolder(), 'finish.hdf5')
  const file = new File(path, 'w')
  file.create_dataset({ name: 'linear1.weight', data: Float32Array.of(1, 2), shape: [1, 2] })
  file.create_dataset({ name: 'stage1.0.conv1.bn.num_batches_tracked', data: BigInt64Array.of(5n), shape: [] })
  file.create_dataset({ name: 'deps', data: Int32Array.of(20, 50), shape: [2] })
  file.create_dataset({ name: 'note', data: 'text' })
  file.close()
  const { tensors } = await readHdf5(path)
  expect([...tensors].map(([key, { dtype, shape }]) => [key, dtype, [...shape]]).sort()).toEqual([
    ['deps', 'I32', [2]],
    ['fc1.weight', 'F32', [1, 2]],
    ['layer1.0.bn1.num_batches_tracked', 'I64', []],
  ])
  expect([...tensors.values()].flatMap((tensor) => [...toFloats(tensor)]).sort()).toEqual([1, 2, 20, 5, 50])
})

/** How HDF5 writes the type of 32-bit floats, little-endian, and of 32-bit integers. */
const FLOAT = '11201f000400000000002000170800177f000000'
const INTEGER = '100800000400000000002000'

const bits = (...words: number[]) => new Float32Array(Uint32Array.from(words).buffer)

/**
 * A file with one data set of 32-bit values, its type written over by another one, which the library cannot
 * write.
 */
async function retyped(data: Float32Array | Int32Array, from: string, to: string): Promise<string> {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const path = join(temporaryFolder(), 'retyped.h5')
  // Such files have no checksums in the way.
  const file = new File(path, 'w', { libver: ['earliest', 'latest'] })
  file.create_dataset({ name: 'w', data, shape: [data.length] })
  file.close()
  const bytes = readFileSync(path)
  const at = bytes.indexOf(Buffer.from(from, 'hex'))
  expect(at).toBeGreaterThan(0)
  writeFileSync(
    path,
    Buffer.concat([bytes.subarray(0, at), Buffer.from(to, 'hex'), bytes.subarray(at + to.length / 2)]),
  )
  return path
}

const [BIG, HALF] = [FLOAT.replace('1120', '1121'), '11200f0002000000000010000a05000a0f000000']

it.each<[string, Float32Array | Int32Array, [from: string, to: string], string, number[]]>([
  ['big-endian floats', bits(0x0000803f, 0x000020c0), [FLOAT, BIG], 'F32', [1, -2.5]],
  ['big-endian integers', Int32Array.of(0x05000000, -16777217), [INTEGER, `1009${INTEGER.slice(4)}`], 'I32', [5, -2]],
  ['unsigned integers', Int32Array.of(5, -1), [INTEGER, `1000${INTEGER.slice(4)}`], 'I64', [5, 4294967296]],
  ['halves', bits(0xc1003c00, 0), [FLOAT, HALF], 'F16', [1, -2.5]],
  ['big-endian halves', bits(0x00c1003c, 0), [FLOAT, HALF.replace('1120', '1121')], 'F16', [1, -2.5]],
])('%s', async (_, data, [from, to], dtype, values) => {
  const tensor = (await readHdf5(await retyped(data, from, to))).tensors.get('w')!
  expect(tensor).toMatchObject({ dtype, shape: [2] })
  expect([...toFloats(tensor)]).toEqual(values)
})

it.each<[string, (file: import('h5wasm/node').File) => unknown, RegExp]>([
  ['a group', (file) => file.create_group('g'), /found the group g in it, expected data sets alone$/],
  ['a link to nothing', (file) => file.create_soft_link('x', 'y'), /found the link y in it, expected/],
  [
    'integers of another type',
    (file) => file.create_dataset({ name: 'u', data: BigUint64Array.of(1n), shape: [1] }),
    /the data set u is of the type Q, expected floats, or integers of at most 64 bits with a sign$/,
  ],
  [
    'two names that are one here',
    (file) => {
      file.create_dataset({ name: 'linear1.weight', data: Float32Array.of(1), shape: [1] })
      file.create_dataset({ name: 'fc1.weight', data: Float32Array.of(1), shape: [1] })
    },
    /two of its data sets are fc1\.weight here, one of them linear1\.weight$/,
  ],
  [
    'a network of Keras',
    (file) => file.create_attribute('keras_version', '2.12.0'),
    /weights\.h5 is a Keras model, which is not read here: export the network as an ONNX model/,
  ],
  ['weights of Keras 3', (file) => file.create_group('layers'), /weights\.h5 is a Keras model, which is not read/],
])('refused, since nothing is left out without a word: %s', async (_, put, message) => {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const path = join(temporaryFolder(), 'weights.h5')
  const file = new File(path, 'w')
  file.create_dataset({ name: 'w', data: Float32Array.of(1), shape: [1] })
  put(file)
  file.close()
  await expect(readWeights(path)).rejects.toThrow(UserError)
  await expect(readWeights(path)).rejects.toThrow(message)
})

it.each([
  ['linear2.bias', 'fc2.bias'],
  ['stem.conv1.weight', 'conv1.weight'],
  ['stage2.3.conv1.conv.weight', 'layer2.3.conv1.weight'],
  ['stage2.3.conv2.bn.running_mean', 'layer2.3.bn2.running_mean'],
  ['a+b', 'a/b'],
  ['fc1.weight', 'fc1.weight'],
])('%s is %s here', (theirs, ours) => {
  expect(nameOf(theirs)).toBe(ours)
})

it('a damaged file is one sentence', async () => {
  const path = join(temporaryFolder(), 'half.hdf5')
  await writeHdf5(path, weights())
  writeFileSync(path, readFileSync(path).subarray(0, 600))
  await expect(readWeights(path)).rejects.toThrow(UserError)
  await expect(readWeights(path)).rejects.toThrow(
    /half\.hdf5 is not a valid HDF5 file of weights: truncated file: eof = 600, [^\n]*$/,
  )
})

it('whatever is changed in a file, it is read or refused in a sentence, and none takes long', async () => {
  const path = join(temporaryFolder(), 'mutated.hdf5')
  await writeHdf5(path, weights())
  const whole = readFileSync(path)
  const reader = new Hdf5Reader()
  onTestFinished(() => reader.end())
  const draw = random(0, 'hdf5')
  let refused = 0
  for (let round = 0; round < breadth(300, 1500); round++) {
    const bytes = Uint8Array.from(whole)
    for (let k = draw.below(8); k >= 0; k--) bytes[8 + draw.below(bytes.length - 8)] = draw.below(256)
    writeFileSync(path, draw.below(5) === 0 ? bytes.subarray(0, 8 + draw.below(bytes.length - 8)) : bytes)
    try {
      for (const { shape, data } of (await reader.read(path, 2)).tensors.values())
        expect(data.length % Math.max(1, sizeOf(shape))).toBe(0)
    } catch (error) {
      refused++
      expect(error).toBeInstanceOf(UserError)
      expect((error as UserError).message).toMatch(/mutated\.hdf5 is not a valid HDF5 file of weights: [^\n]+$/)
    }
  }
  expect(refused).toBeGreaterThan(50)
}, 120_000)

it('a file that keeps the library busy is given up', async () => {
  const path = join(temporaryFolder(), 'weights.hdf5')
  await writeHdf5(path, weights())
  const reader = new Hdf5Reader()
  onTestFinished(() => reader.end())
  await expect(reader.read(path, 0)).rejects.toThrow(
    'weights.hdf5 is not a valid HDF5 file of weights: reading it takes longer',
  )
  // The next file gets a thread of its own.
  expect((await reader.read(path)).tensors.size).toBe(2)
})

it('espalier inspect opens it', async () => {
  const path = join(temporaryFolder(), 'weights.h5')
  await writeHdf5(path, weights())
  const { stdout, stderr, code } = await espalier(['inspect', path], { columns: 200 })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^model: lenet-300-100$/m)
  expect(stdout).toMatch(/^\| fc1\.weight +\| F32 +\| 2 x 3 +\| +6 \| +2 \| +1 \| +3 \| +50\.00 % \|/m)
  const damaged = join(temporaryFolder(), 'damaged.h5')
  writeFileSync(damaged, readFileSync(path).subarray(0, 600))
  const failed = await espalier(['inspect', damaged])
  expect(failed.stderr).toMatch(/^espalier: [^\n]*damaged\.h5 is not a valid HDF5 file of weights: [^\n]*\n$/)
  expect(failed.code).toBe(1)
})
