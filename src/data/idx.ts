/**
 * @file IDX, the file format of MNIST: two zero bytes, a type code, the number of dimensions, the dimensions
 * (32-bit, big-endian), then the values. Only unsigned bytes (type 8) are read.
 */
import { UserError } from '../util/errors.ts'
import { readBytes } from '../util/files.ts'

export interface IdxFile {
  shape: number[]
  data: Uint8Array
}

/**
 * Reads a file of the given number of dimensions. Throws UserError where it is damaged or has another number.
 */
export function readIdx(path: string, dimensions: number): IdxFile {
  const bytes = readBytes(path)
  const fail = (message: string): never => {
    throw new UserError(`${path} is not a valid IDX file: ${message}`)
  }
  const header = 4 + 4 * dimensions
  if (bytes.length < header) fail(`expected a header of ${header} bytes, found ${bytes.length} bytes in all`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const magic = view.getUint32(0)
  const expected = 0x0800 + dimensions
  if (magic !== expected) fail(`expected the magic number ${hex(expected)}, found ${hex(magic)}`)
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  const size = shape.reduce((a, b) => a * b, 1)
  if (bytes.length - header !== size)
    fail(`its header announces ${shape.join(' x ')} = ${size} bytes, found ${bytes.length - header}`)
  return { shape, data: bytes.subarray(header) }
}

const hex = (n: number) => `0x${n.toString(16).padStart(8, '0')}`
