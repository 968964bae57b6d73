/** @file Small files of arrays, written by hand. */
import { writeFileSync } from 'node:fs'
import { zipSync } from 'fflate'

export interface Npy {
  descr?: string
  fortran?: boolean
  version?: 1 | 2
  shape: readonly number[]
  /** The numbers as they lie in the file. */
  data: ArrayBufferView
}

/** The bytes of a .npy file. */
export function npyBytes({ descr = '<f4', fortran = false, version = 1, shape, data }: Npy): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const start = version === 1 ? 10 : 12
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sizes}), }`
  const header = `${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`
  const bytes = new Uint8Array(start + header.length + data.byteLength)
  bytes.set([0x93, ...Buffer.from('NUMPY'), version, 0])
  const view = new DataView(bytes.buffer)
  if (version === 1) view.setUint16(8, header.length, true)
  else view.setUint32(8, header.length, true)
  bytes.set(Buffer.from(header), start)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + header.length)
  return bytes
}

export const floats = (shape: readonly number[], values: ArrayLike<number>): Uint8Array =>
  npyBytes({ shape, data: Float32Array.from(values) })

export function writeNpy(path: string, shape: readonly number[], values: ArrayLike<number>): string {
  writeFileSync(path, floats(shape, values))
  return path
}

export function writeNpz(path: string, arrays: Record<string, Uint8Array>): string {
  const files = Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes] as const)
  writeFileSync(path, zipSync(Object.fromEntries(files)))
  return path
}

export interface Wav {
  rate?: number
  channels?: number
  format?: number
  bits?: number
  /** As they lie in the file. */
  data: Uint8Array
}

/** The bytes of a WAV file, with a chunk of another kind and odd length before the sound. */
export function wavBytes({ rate = 16000, channels = 1, format = 1, bits = 16, data }: Wav): Uint8Array {
  const head = Buffer.alloc(12 + 24 + 8 + 4 + 8)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(head.length - 8 + data.length, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(format, 20)
  head.writeUInt16LE(channels, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE((rate * channels * bits) / 8, 28)
  head.writeUInt16LE((channels * bits) / 8, 32)
  head.writeUInt16LE(bits, 34)
  head.write('LIST', 36, 'latin1')
  head.writeUInt32LE(3, 40)
  head.write('data', 48, 'latin1')
  head.writeUInt32LE(data.length, 52)
  return Buffer.concat([head, data])
}

/** Whole numbers of 16 bits. */
export const sound16 = (values: readonly number[]): Uint8Array => new Uint8Array(Int16Array.from(values).buffer)
