/**
 * @file MATLAB's MAT-files of version 5, as far as arrays of numbers: after a header of 128 bytes data
 * elements, each a type, a number of bytes and those bytes, some of them compressed; an array is such
 * elements again: flags, sizes, a name, and values with the first index running fastest. Little-endian
 * files are read.
 */
import { inflateSync } from 'node:zlib'
import { UserError } from '../util/errors.ts'
import { readBytes } from '../util/files.ts'

export interface MatArray {
  /** The sizes of its axes, of which the first runs fastest. */
  shape: number[]
  values: ArrayLike<number>
}

const HEADER = 128
/** Types of elements. */
const [MATRIX, COMPRESSED] = [14, 15]
/** An array of more axes than this is damaged. */
const MOST_AXES = 32
/** The most bytes of one array. */
const LARGEST = 1 << 30

const numbers: Record<number, (bytes: Uint8Array<ArrayBuffer>) => ArrayLike<number>> = {
  1: (bytes) => new Int8Array(bytes.buffer),
  2: (bytes) => bytes,
  3: (bytes) => new Int16Array(bytes.buffer),
  4: (bytes) => new Uint16Array(bytes.buffer),
  5: (bytes) => new Int32Array(bytes.buffer),
  6: (bytes) => new Uint32Array(bytes.buffer),
  7: (bytes) => new Float32Array(bytes.buffer),
  9: (bytes) => new Float64Array(bytes.buffer),
}
const WIDTHS: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8 }

/** The arrays of numbers in a file by name. Throws UserError where it is no such file, or damaged. */
export function readMat(path: string): Map<string, MatArray> {
  const bytes = readBytes(path)
  const fail = (message: string): never => {
    throw new UserError(`${path} is not a valid MAT-file: ${message}`)
  }
  if (bytes.length < HEADER) fail(`expected a header of ${HEADER} bytes, found ${bytes.length} bytes in all`)
  const mark = String.fromCharCode(bytes[126], bytes[127])
  if (mark !== 'IM') fail(`expected the mark IM of little-endian files at byte 126, found ${JSON.stringify(mark)}`)
  const arrays = new Map<string, MatArray>()
  for (const { type, content } of elementsOf(bytes.subarray(HEADER), fail)) {
    const [element] = type === COMPRESSED ? elementsOf(inflated(content, fail), fail) : [{ type, content }]
    if (element?.type !== MATRIX) continue
    const array = arrayOf(element.content, fail)
    if (array) arrays.set(array.name, array)
  }
  return arrays
}

type Fail = (message: string) => never

interface Element {
  type: number
  content: Uint8Array
}

/** Elements in a row. Those of at most four bytes share eight with their type. */
function elementsOf(bytes: Uint8Array, fail: Fail): Element[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) return fail(`it ends within an element`)
    const word = view.getUint32(at, true)
    const small = word >>> 16
    const [type, size, from] = small > 0 ? [word & 0xffff, small, at + 4] : [word, view.getUint32(at + 4, true), at + 8]
    if ((small > 0 && small > 4) || from + size > bytes.length)
      return fail(`an element of ${size} bytes does not fit into it`)
    elements.push({ type, content: bytes.subarray(from, from + size) })
    // Compressed elements alone are not padded to eight bytes.
    at = small > 0 ? at + 8 : from + (type === COMPRESSED ? size : Math.ceil(size / 8) * 8)
  }
  return elements
}

function inflated(content: Uint8Array, fail: Fail): Uint8Array {
  try {
    return inflateSync(content, { maxOutputLength: LARGEST })
  } catch (error) {
    return fail(`an element cannot be decompressed (${(error as Error).message})`)
  }
}

/** A copy at the beginning of a buffer of its own. */
const aligned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)

/** An array of numbers; undefined where it holds something else. */
function arrayOf(content: Uint8Array, fail: Fail): (MatArray & { name: string }) | undefined {
  const [, sizes, name, data] = elementsOf(content, fail)
  if (!data || !Object.hasOwn(numbers, data.type)) return undefined
  const axes = sizes.content.length / 4
  if (sizes.type !== 5 || !Number.isInteger(axes) || axes > MOST_AXES) return fail('an array does not say its sizes')
  const shape = [...new Int32Array(aligned(sizes.content).buffer)]
  const width = WIDTHS[data.type]
  const size = shape.reduce((all, one) => all * one, width)
  if (shape.some((one) => one < 0) || size !== data.content.length)
    return fail(`an array of ${shape.join(' x ')} needs ${size} bytes, found ${data.content.length}`)
  const values = numbers[data.type](aligned(data.content))
  return { name: new TextDecoder().decode(name.content), shape, values }
}
