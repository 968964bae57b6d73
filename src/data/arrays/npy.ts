/**
 * @file Reads NumPy's format for one array (NEP 1): 8 magic bytes with the version, the length of the header
 * (16 bits, from version 2 on 32), the header, a Python dictionary that says type, order and shape, and the
 * numbers.
 */
import { halfToNumber } from '../../formats/safetensors-bytes.ts'
import { UserError } from '../../util/errors.ts'
import { elements, exactFloat, type NumberArray } from './number-array.ts'

const MAGIC = '\x93NUMPY'

/** How numbers of a type are read, by kind and bytes. */
const readers: Record<
  string,
  { bytes: number; whole: boolean; at(view: DataView, i: number, little: boolean): number | bigint }
> = {
  f2: { bytes: 2, whole: false, at: (view, i, little) => halfToNumber(view.getUint16(i, little)) },
  f4: { bytes: 4, whole: false, at: (view, i, little) => view.getFloat32(i, little) },
  f8: { bytes: 8, whole: false, at: (view, i, little) => view.getFloat64(i, little) },
  b1: { bytes: 1, whole: true, at: (view, i) => view.getUint8(i) },
  u1: { bytes: 1, whole: true, at: (view, i) => view.getUint8(i) },
  u2: { bytes: 2, whole: true, at: (view, i, little) => view.getUint16(i, little) },
  u4: { bytes: 4, whole: true, at: (view, i, little) => view.getUint32(i, little) },
  u8: { bytes: 8, whole: true, at: (view, i, little) => view.getBigUint64(i, little) },
  i1: { bytes: 1, whole: true, at: (view, i) => view.getInt8(i) },
  i2: { bytes: 2, whole: true, at: (view, i, little) => view.getInt16(i, little) },
  i4: { bytes: 4, whole: true, at: (view, i, little) => view.getInt32(i, little) },
  i8: { bytes: 8, whole: true, at: (view, i, little) => view.getBigInt64(i, little) },
}

/** The array of a file that messages call `path`. Throws UserError. */
export function parseNpy(bytes: Uint8Array, path: string): NumberArray {
  const fail = (why: string): never => {
    throw new UserError(`${path} is not a valid .npy file: ${why}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Byte by byte: what browsers call latin1 has another letter for the first byte of the magic.
  const text = (from: number, to: number) =>
    Array.from(bytes.subarray(from, to), (byte) => String.fromCharCode(byte)).join('')
  if (bytes.length === 0) fail('it is empty')
  if (bytes.length < 12 || text(0, 6) !== MAGIC) fail(`it does not begin with NumPy's magic bytes`)
  const wide = bytes[6] >= 2
  const start = wide ? 12 : 10
  const begin = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (begin > bytes.length) fail('its header is longer than the file')
  const header = text(start, begin)
  const descr = /'descr': *'([<>|=])([a-z]\d+)'/.exec(header)
  const order = /'fortran_order': *(True|False)/.exec(header)
  const sizes = /'shape': *\(([\d, ]*)\)/.exec(header)
  if (!descr || !order || !sizes)
    throw new UserError(`${path}: expected an array of numbers, found the header ${header.trim().slice(0, 100)}`)
  const reader = readers[descr[2]]
  if (!reader) throw new UserError(`${path} holds numbers of the type ${descr[2]}, expected floats or whole numbers`)
  const shape = sizes[1].split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))
  const count = elements(shape)
  if (begin + count * reader.bytes !== bytes.length)
    fail(`shape [${shape}] needs ${count * reader.bytes} bytes, found ${bytes.length - begin}`)
  const little = descr[1] !== '>'
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const number = reader.at(view, begin + i * reader.bytes, little)
    values[i] = reader.whole ? exactFloat(number, path) : Number(number)
  }
  return { shape, values: order[1] === 'True' ? rowMajor(values, shape) : values }
}

/** Values that lie with the first axis innermost, with the last one innermost. */
function rowMajor(values: Float32Array, shape: readonly number[]): Float32Array {
  const result = new Float32Array(values.length)
  const steps = shape.map((_, axis) => elements(shape.slice(0, axis)))
  const place = shape.map(() => 0)
  for (let i = 0; i < result.length; i++) {
    result[i] = values[place.reduce((sum, at, axis) => sum + at * steps[axis], 0)]
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0
  }
  return result
}
