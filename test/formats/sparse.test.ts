import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  encodeSafetensors,
  parseSafetensors,
  type StoredTensor,
  storeFloats,
  type TensorFile,
} from '../../src/formats/safetensors.ts'
import { packSparse, unpackSparse } from '../../src/formats/sparse.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'

const f32 = (shape: number[], words: number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(Uint32Array.from(words).buffer),
})
/** Bits of float32: mostly +0, and -0, infinities, quiet and signalling NaN with payloads, subnormals. */
const word = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 1) },
  { weight: 1, arbitrary: fc.nat({ max: 2 ** 32 - 1 }) },
)
const shapes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 })
const tensors = shapes.chain((shape) => {
  const length = shape.reduce((n, size) => n * size, 1)
  return fc.array(word, { minLength: length, maxLength: length }).map((words) => f32(shape, words))
})

it('packing is lossless, to the bit, through a file', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b.weight', 'a:b', '__proto__'), tensors), (entries) => {
      const file = { tensors: new Map(Object.entries(entries)), metadata: { model: 'mlpnet' } }
      const stored = encodeSafetensors(packSparse(file))
      expect(unpackSparse(parseSafetensors(stored, 'f'), 'f')).toEqual(file)
    }),
    { numRuns: 500 },
  )
})

it('a sparse tensor takes a bit per weight and 4 bytes per nonzero', () => {
  const values = new Float32Array(800)
  for (let i = 0; i < 10; i++) values[i * 37] = i + 1
  const { tensors } = packSparse({ tensors: new Map([['w', storeFloats(values, [20, 40])]]), metadata: {} })
  expect([...tensors].map(([name, { data }]) => [name, data.length])).toEqual([
    ['w:values', 40],
    ['w:bitmap', 100],
  ])
})

it('what would not become smaller, or is no F32, stays as it is', () => {
  const dense = storeFloats(Float32Array.of(1, 2, 3, 0), [4])
  const bytes: StoredTensor = { dtype: 'U8', shape: [64], data: new Uint8Array(64) }
  const file = {
    tensors: new Map([
      ['dense', storeFloats(Float32Array.of(1, 2, 3, 4), [4])],
      ['bytes', bytes],
    ]),
    metadata: {},
  }
  expect(packSparse(file)).toEqual(file)
  expect(packSparse({ tensors: new Map([['w', dense]]), metadata: {} }).tensors.has('w:bitmap')).toBe(true)
})

it('a tensor stays dense where the names that it would take are taken', () => {
  const file = {
    tensors: new Map([
      ['w', storeFloats(new Float32Array(64), [64])],
      ['w:values', storeFloats(Float32Array.of(1), [1])],
    ]),
    metadata: {},
  }
  expect(packSparse(file)).toEqual(file)
})

const packed = (): TensorFile =>
  packSparse({
    tensors: new Map([['w', storeFloats(Float32Array.of(0, 0, 0, 5, 0, 0, 0, 7, 0), [3, 3])]]),
    metadata: {},
  })

it.each<[string, (file: TensorFile) => unknown, RegExp]>([
  ['no bitmap', (f) => f.tensors.delete('w:bitmap'), /tensor w of shape \[3,3\] has no bitmap of 2 bytes/],
  ['no values', (f) => f.tensors.delete('w:values'), /tensor w has no values/],
  ['neither', (f) => f.tensors.clear(), /tensor w has no values/],
  [
    'a dense tensor too',
    (f) => f.tensors.set('w', storeFloats(new Float32Array(9), [3, 3])),
    /tensor w is stored twice/,
  ],
  ['a short bitmap', (f) => (f.tensors.get('w:bitmap')!.data = Uint8Array.of(0)), /has no bitmap of 2 bytes/],
  ['a bitmap of words', (f) => (f.tensors.get('w:bitmap')!.dtype = 'I16'), /has no bitmap of 2 bytes/],
  ['values of bytes', (f) => (f.tensors.get('w:values')!.dtype = 'U8'), /tensor w has no values of type F32/],
  [
    'too few bits',
    (f) => (f.tensors.get('w:bitmap')!.data = Uint8Array.of(8, 0)),
    /marks 1 positions but holds 2 values/,
  ],
  ['too many bits', (f) => (f.tensors.get('w:bitmap')!.data = Uint8Array.of(255, 0)), /marks 8 .* holds 2 values/],
  [
    'bits after the end',
    (f) => (f.tensors.get('w:bitmap')!.data = Uint8Array.of(136, 2)),
    /marks positions after its end/,
  ],
  ['a shape that is no JSON', (f) => (f.metadata['sparse:w'] = '[3,'), /has no valid shape: \[3,/],
  ['a shape that is no list', (f) => (f.metadata['sparse:w'] = '9'), /has no valid shape: 9/],
  ['a negative shape', (f) => (f.metadata['sparse:w'] = '[-9,-1]'), /has no valid shape/],
  ['a huge shape', (f) => (f.metadata['sparse:w'] = '[1e15,1e15]'), /has no bitmap of/],
])('refuses %s', (_, damage, message) => {
  const file = packed()
  expect(unpackSparse(file, 'f').tensors.get('w')!.shape).toEqual([3, 3])
  damage(file)
  expect(() => unpackSparse(file, 'f')).toThrow(UserError)
  expect(() => unpackSparse(file, 'f')).toThrow(message)
})

it('any damage to a packed file is either harmless or refused', () => {
  const valid = encodeSafetensors(packed())
  const draw = random(2, 'mutations')
  let refused = 0
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from(valid)
    bytes[draw.below(bytes.length)] = draw.below(256)
    try {
      unpackSparse(parseSafetensors(bytes, 'f'), 'f')
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(1000)
})
