import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  BYTES_PER,
  type DType,
  encodeSafetensors,
  parseSafetensors,
  type StoredTensor,
  storeFloats,
  toFloats,
} from '../../src/formats/safetensors.ts'
import { packSparse, unpackSparse } from '../../src/formats/sparse.ts'

const names = fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.constantFrom('__proto__', 'toString', '1', '0'))
const tensor: fc.Arbitrary<StoredTensor> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(BYTES_PER) as DType[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  )
  .chain(([dtype, shape]) => {
    const length = shape.reduce((n, size) => n * size, BYTES_PER[dtype])
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ dtype, shape, data: Uint8Array.from(data) }))
  })

it('what is written is read, to the bit and in any order of names', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(names, tensor), { selector: ([name]) => name, maxLength: 5 }),
      fc.dictionary(fc.string(), fc.string()),
      (entries, metadata) => {
        const file = { tensors: new Map(entries), metadata: { ...metadata } }
        const bytes = encodeSafetensors(file)
        expect(parseSafetensors(bytes, 'file')).toEqual(file)
      },
    ),
    { numRuns: 300 },
  )
})

it('tensors lie in the order given, whatever they are called', () => {
  const tensors = new Map([
    ['b', storeFloats(Float32Array.of(1), [1])],
    ['7', storeFloats(Float32Array.of(2), [1])],
    ['3', storeFloats(Float32Array.of(3), [1])],
  ])
  const bytes = encodeSafetensors({ tensors, metadata: {} })
  expect(new Float32Array(bytes.slice(-12).buffer)).toEqual(Float32Array.of(1, 2, 3))
})

it('is the published layout: length, JSON padded with spaces to 8 bytes, data', () => {
  const bytes = encodeSafetensors({
    tensors: new Map([['w', storeFloats(Float32Array.of(1.5), [1])]]),
    metadata: { a: 'b' },
  })
  const json = '{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
  const header = json.padEnd(Math.ceil(json.length / 8) * 8)
  expect(Buffer.from(bytes)).toEqual(
    Buffer.concat([
      Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(header),
      Buffer.from([0, 0, 0xc0, 0x3f]),
    ]),
  )
})

it('a tensor cannot be named like the metadata', () => {
  const tensors = new Map([['__metadata__', storeFloats(Float32Array.of(1), [1])]])
  expect(() => encodeSafetensors({ tensors, metadata: {} })).toThrow('__metadata__')
})

/** Little-endian words as a tensor of that type. */
const stored = (dtype: DType, ...words: (number | bigint)[]): StoredTensor => {
  const width = BYTES_PER[dtype]
  const data = new Uint8Array(words.length * width)
  words.forEach((word, i) => {
    for (let b = 0; b < width; b++) data[i * width + b] = Number((BigInt(word) >> BigInt(8 * b)) & 0xffn)
  })
  return { dtype, shape: [words.length], data }
}

it.each<[DType, (number | bigint)[], number[]]>([
  ['F64', [0x3ff8000000000000n, 0xbfb999999999999an], [1.5, Math.fround(-0.1)]],
  ['F32', [0x3fc00000, 0x80000000, 0x7f800000, 1], [1.5, -0, Infinity, 2 ** -149]],
  [
    'F16',
    [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x8000, 0x7c00, 0xfc00, 0x3555, 0x7e00],
    [1, -2, 65504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, -0, Infinity, -Infinity, 0.333251953125, Number.NaN],
  ],
  [
    'BF16',
    [0x3f80, 0xc040, 0x7f80, 0xff80, 0x8000, 0x0001, 0x3eab, 0x7fc0],
    [1, -3, Infinity, -Infinity, -0, 2 ** -133, 0.333984375, Number.NaN],
  ],
  ['I64', [-1n, 1n << 40n], [-1, 2 ** 40]],
  ['I32', [-2, 0x7fffffff], [-2, 2 ** 31]],
  ['I16', [-3, 0x7fff], [-3, 32767]],
  ['I8', [-128, 127], [-128, 127]],
  ['U8', [255, 0], [255, 0]],
  ['BOOL', [1, 0], [1, 0]],
])('%s values', (dtype, words, values) => {
  expect([...toFloats(stored(dtype, ...words))]).toEqual(values)
})

/** The length of the header, and where each tensor's bytes begin behind it. */
function layout(bytes: Uint8Array): { data: number; begins: Map<string, number> } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  const entries = Object.entries<{ data_offsets: [number, number] }>(header).filter(([name]) => name !== '__metadata__')
  return {
    data: 8 + length,
    begins: new Map(
      entries.map(
        ([
          name,
          {
            data_offsets: [from],
          },
        ]) => [name, from],
      ),
    ),
  }
}

it('every tensor begins at a multiple of its element size, also of sparse ones, and names keep their order', () => {
  fc.assert(
    fc.property(
      fc.array(tensor, { maxLength: 9 }).map((all) => all.map((one, i) => [`t${i}`, one] as const)),
      (entries) => {
        const { data, begins } = layout(encodeSafetensors({ tensors: new Map(entries), metadata: {} }))
        expect(data % 8).toBe(0)
        for (const [name, { dtype }] of entries) expect(begins.get(name)! % BYTES_PER[dtype]).toBe(0)
      },
    ),
  )
  const values = Float32Array.from({ length: 27 }, (_, i) => (i % 5 === 0 ? i : 0))
  const names = ['a', 'b', 'c']
  const file = { tensors: new Map(names.map((name) => [name, storeFloats(values, [3, 9])])), metadata: {} }
  const bytes = encodeSafetensors(packSparse(file))
  for (const name of names) expect(layout(bytes).begins.get(`${name}:values`)! % 4).toBe(0)
  expect([...unpackSparse(parseSafetensors(bytes, 'file'), 'file').tensors.keys()]).toEqual(names)
})

it('values of a file that was written otherwise may begin at any byte', () => {
  const json =
    '{"odd":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"wide":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}}'
  const length = Buffer.from(BigUint64Array.of(BigInt(json.length)).buffer)
  const data = Buffer.from([7, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f])
  const { tensors } = parseSafetensors(Buffer.concat([length, Buffer.from(json), data]), 'file')
  expect([...toFloats(tensors.get('wide')!)]).toEqual([1.5])
  expect([...toFloats(tensors.get('odd')!)]).toEqual([7])
})
