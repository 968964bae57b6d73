import { describe, expect, it } from 'vitest'
import { encodeSafetensors, parseSafetensors, storeFloats } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'

/** A file with that header and so many bytes of data; `claim` overrides the header's length. */
function file(header: unknown, dataBytes = 0, claim?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, claim ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const w = (dtype: unknown, shape: unknown, data_offsets: unknown) => ({ w: { dtype, shape, data_offsets } })
const two = (first: [number, number], second: [number, number]) => ({
  a: { dtype: 'U8', shape: [first[1] - first[0]], data_offsets: first },
  b: { dtype: 'U8', shape: [second[1] - second[0]], data_offsets: second },
})

describe('refused, in one sentence', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /at least 8 bytes, found 0/],
    ['a cut length', new Uint8Array(7), /at least 8 bytes, found 7/],
    ['a header beyond the end', file('{}', 0, 3n), /claims 3 bytes, the file has 2 /],
    ['a header of 2^60 bytes', file('{}', 0, 1n << 60n), /claims 1152921504606846976 bytes/],
    ['a header of 2^64 - 1 bytes', file('{}', 0, (1n << 64n) - 1n), /claims 18446744073709551615 bytes/],
    ['a header that is not JSON', file('{"w":'), /header is not JSON/],
    ['a header that is not UTF-8', file('{}', 2, 4n).fill(0xff, 8), /header is not JSON/],
    ['a list as header', file([]), /not a JSON object/],
    ['null as header', file(null), /not a JSON object/],
    ['a number as tensor', file({ w: 5 }), /tensor w has no type/],
    ['null as tensor', file({ w: null }), /tensor w has no type/],
    ['an unknown type', file(w('F31', [0], [0, 0])), /tensor w has the unknown type F31/],
    ['a type named like a method', file(w('toString', [], [0, 0])), /tensor w has the unknown type toString/],
    ['a type that is no string', file(w({ toString: 0 }, [], [0, 0])), /tensor w has no type/],
    ['no shape', file(w('U8', null, [0, 0])), /tensor w has no valid shape/],
    ['a negative size', file(w('U8', [-1], [0, 0])), /tensor w has no valid shape/],
    ['a fractional size', file(w('U8', [0.5], [0, 0])), /tensor w has no valid shape/],
    ['a size as text', file(w('U8', ['1'], [0, 1]), 1), /tensor w has no valid shape/],
    ['a product beyond every number', file(w('U8', [2 ** 52, 2 ** 52, 2 ** 52], [0, 0])), /needs .* bytes, found 0/],
    ['a product that would wrap to 0', file(w('U8', [2 ** 32, 2 ** 32], [0, 0])), /needs .* bytes, found 0/],
    ['no offsets', file(w('U8', [0], undefined)), /tensor w has no valid data_offsets/],
    ['three offsets', file(w('U8', [0], [0, 0, 0])), /tensor w has no valid data_offsets/],
    ['offsets in reverse', file(w('U8', [0], [1, 0]), 1), /bytes 1 to 0/],
    ['data beyond the end', file(w('U8', [2], [0, 2]), 1), /bytes 0 to 2, the file has 1 /],
    ['too few bytes', file(w('F32', [2], [0, 4]), 4), /shape \[2\] needs 8 bytes, found 4/],
    ['overlapping tensors', file(two([0, 4], [3, 6]), 6), /tensor b begins at byte 3, expected 4/],
    ['a hole', file(two([0, 2], [3, 6]), 6), /tensor b begins at byte 3, expected 2/],
    ['a hole at the start', file(two([1, 2], [2, 6]), 6), /tensor a begins at byte 1, expected 0/],
    ['bytes after the last tensor', file(two([0, 2], [2, 6]), 9), /3 bytes follow/],
    ['data without tensors', file({}, 1), /1 bytes follow/],
    ['metadata that is no object', file({ __metadata__: 'x' }), /metadata is not an object of strings/],
    ['metadata that is a list', file({ __metadata__: ['x'] }), /metadata is not an object of strings/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /metadata is not an object of strings/],
  ])('%s', (_, bytes, message) => {
    const parse = () => parseSafetensors(bytes, 'model.safetensors')
    expect(parse).toThrow(UserError)
    expect(parse).toThrow(message)
    expect(parse).toThrow(/^model\.safetensors is not a valid safetensors file: [^\n]+$/)
  })
})

it('a lying length is refused before memory is taken', () => {
  const bytes = file('{}', 0, 1n << 60n)
  const start = performance.now()
  for (let i = 0; i < 1000; i++) expect(() => parseSafetensors(bytes, 'f')).toThrow(UserError)
  expect(performance.now() - start).toBeLessThan(2000)
})

it('a file without tensors is valid', () => {
  expect(parseSafetensors(file('{}'), 'f').tensors.size).toBe(0)
})

it('any damage is either harmless or refused: never another error', () => {
  const valid = encodeSafetensors({
    tensors: new Map([
      ['fc1.weight', storeFloats(Float32Array.of(1, 0, -2, 3, 4, 5), [2, 3])],
      ['scalar', storeFloats(Float32Array.of(1), [])],
      ['mask', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 1) }],
    ]),
    metadata: { model: 'mlpnet' },
  })
  const draw = random(1, 'mutations')
  const tokens = ['[', ']', '{', '}', '"', ',', '-', '9', '1e99', 'null', '[[', '\u0000', '"__proto__":', '"F32"']
  const encoder = new TextEncoder()
  const outcomes = { accepted: 0, refused: 0 }
  for (let round = 0; round < 20_000; round++) {
    let bytes = Buffer.from(valid)
    for (let changes = 1 + draw.below(3); changes > 0; changes--) {
      const at = draw.below(bytes.length)
      const kind = draw.below(4)
      if (kind === 0) bytes[at] ^= 1 << draw.below(8)
      else if (kind === 1) bytes = bytes.subarray(0, at + 1)
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + draw.below(4))])
      else bytes.set(encoder.encode(tokens[draw.below(tokens.length)]).subarray(0, bytes.length - at), at)
      if (bytes.length === 0) break
    }
    try {
      parseSafetensors(bytes, 'file')
      outcomes.accepted++
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      outcomes.refused++
    }
  }
  expect(outcomes.accepted).toBeGreaterThan(100)
  expect(outcomes.refused).toBeGreaterThan(10_000)
})
