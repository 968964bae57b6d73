import { expect, it } from 'vitest'
import { parseNpy } from '../../../src/data/arrays/npy.ts'
import { UserError } from '../../../src/util/errors.ts'
import { type Npy, npyBytes } from './array-files.ts'

const parsed = (npy: Npy) => {
  const { shape, values } = parseNpy(npyBytes(npy), 'x.npy')
  return [shape, [...values]]
}
const bigEndian = (size: number, put: (view: DataView) => void) => {
  const view = new DataView(new ArrayBuffer(size))
  put(view)
  return view
}

it.each<[string, Npy, number[]]>([
  ['float32', { shape: [3], data: Float32Array.of(1.5, -2, 0.1) }, [1.5, -2, Math.fround(0.1)]],
  ['float64', { descr: '<f8', shape: [2], data: Float64Array.of(0.1, -7) }, [Math.fround(0.1), -7]],
  ['float16', { descr: '<f2', shape: [2], data: Uint16Array.of(0x3c00, 0xc100) }, [1, -2.5]],
  ['int64', { descr: '<i8', shape: [2], data: BigInt64Array.of(-3n, 2n ** 24n) }, [-3, 2 ** 24]],
  ['uint8', { descr: '|u1', shape: [2], data: Uint8Array.of(0, 255) }, [0, 255]],
  ['int8', { descr: '|i1', shape: [2], data: Int8Array.of(-128, 127) }, [-128, 127]],
  ['bool', { descr: '|b1', shape: [2], data: Uint8Array.of(1, 0) }, [1, 0]],
  ['big-endian int32', { descr: '>i4', shape: [1], data: bigEndian(4, (view) => view.setInt32(0, -70000)) }, [-70000]],
  ['big-endian float32', { descr: '>f4', shape: [1], data: bigEndian(4, (view) => view.setFloat32(0, 2.25)) }, [2.25]],
  ['a header of version 2', { version: 2, shape: [1], data: Float32Array.of(4) }, [4]],
])('reads %s', (_name, npy, values) => {
  expect(parsed(npy)).toEqual([npy.shape, values])
})

it('an array without axes, and one of three', () => {
  expect(parsed({ shape: [], data: Float32Array.of(5) })).toEqual([[], [5]])
  expect(parsed({ shape: [1, 2, 1], data: Float32Array.of(5, 6) })).toEqual([
    [1, 2, 1],
    [5, 6],
  ])
})

it('values in the order of Fortran become row-major', () => {
  // a[i, j, k] = 100 i + 10 j + k of shape [2, 3, 2], i fastest.
  const inFile = [0, 1].flatMap((k) => [0, 1, 2].flatMap((j) => [0, 1].map((i) => 100 * i + 10 * j + k)))
  const expected = [0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 1].map((k) => 100 * i + 10 * j + k)))
  expect(parsed({ fortran: true, shape: [2, 3, 2], data: Float32Array.from(inFile) })[1]).toEqual(expected)
})

it('what is malformed, or no array of numbers, is refused in a sentence', () => {
  const whole = npyBytes({ shape: [2], data: Float32Array.of(1, 2) })
  const error = (bytes: Uint8Array) => {
    try {
      parseNpy(bytes, 'x.npy')
    } catch (caught) {
      expect(caught).toBeInstanceOf(UserError)
      return (caught as Error).message
    }
    return undefined
  }
  expect(error(whole.subarray(0, 5))).toBe("x.npy is not a valid .npy file: it does not begin with NumPy's magic bytes")
  expect(error(whole.subarray(0, 30))).toBe('x.npy is not a valid .npy file: its header is longer than the file')
  expect(error(whole.subarray(0, -1))).toBe('x.npy is not a valid .npy file: shape [2] needs 8 bytes, found 7')
  expect(error(npyBytes({ descr: '<c8', shape: [1], data: Float32Array.of(1, 2) }))).toBe(
    'x.npy holds numbers of the type c8, expected floats or whole numbers',
  )
  expect(error(npyBytes({ descr: '|O', shape: [1], data: Float32Array.of(1) }))).toMatch(
    /^x\.npy: expected an array of numbers, found the header \{'descr': '\|O'/,
  )
  expect(error(npyBytes({ descr: '<i8', shape: [1], data: BigInt64Array.of(2n ** 24n + 1n) }))).toBe(
    'x.npy holds 16777217, expected whole numbers of at most 16777216 in size',
  )
})
