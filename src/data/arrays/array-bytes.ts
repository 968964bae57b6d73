/** @file Files of arrays by their endings: .npy, .npz, .safetensors, raw floats, and sound. Needs no Node. */
import { unzipSync } from 'fflate'
import { parseSafetensors, type StoredTensor, toFloats } from '../../formats/safetensors-bytes.ts'
import { UserError } from '../../util/errors.ts'
import { parseNpy } from './npy.ts'
import { exactFloat, type NumberArray } from './number-array.ts'
import { parseWav, type Sound } from './wav.ts'

/** What a file holds: arrays by their names in it, one without a name, numbers without a shape, or sound. */
export type ArrayFile =
  | { kind: 'named'; arrays: ReadonlyMap<string, NumberArray> }
  | { kind: 'single'; array: NumberArray }
  | { kind: 'raw'; values: Float32Array }
  | { kind: 'sound'; sound: Sound }

const readers: Record<string, (bytes: Uint8Array, path: string) => ArrayFile> = {
  '.npy': (bytes, path) => ({ kind: 'single', array: parseNpy(bytes, path) }),
  '.npz': (bytes, path) => ({ kind: 'named', arrays: parseNpz(bytes, path) }),
  '.safetensors': (bytes, path) => ({ kind: 'named', arrays: parseTensors(bytes, path) }),
  '.f32': (bytes, path) => ({ kind: 'raw', values: rawFloats(bytes, path) }),
  '.wav': (bytes, path) => ({ kind: 'sound', sound: parseWav(bytes, path) }),
}

/** In words. */
export const ARRAY_FILES = '.npy, .npz, .safetensors, .f32 (raw float32) or .wav'

export const isArrayFile = (path: string): boolean => Object.hasOwn(readers, endingOf(path))

/** What a file of one of these endings holds. Throws UserError where it is damaged. */
export const parseArrayFile = (bytes: Uint8Array, path: string): ArrayFile => readers[endingOf(path)](bytes, path)

/** In small letters, with its dot; nothing of names that are an ending alone. */
const endingOf = (path: string): string => /[^/\\](\.[^./\\]*)$/.exec(path)?.[1].toLowerCase() ?? ''

function parseNpz(bytes: Uint8Array, path: string): Map<string, NumberArray> {
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes)
  } catch {
    throw new UserError(`${path} is not a valid .npz file: it cannot be unpacked`)
  }
  return new Map(
    Object.entries(files).map(([name, content]) => {
      const key = name.replace(/\.npy$/, '')
      return [key, parseNpy(content, `${path}: ${key}`)]
    }),
  )
}

const parseTensors = (bytes: Uint8Array, path: string): Map<string, NumberArray> =>
  new Map(
    [...parseSafetensors(bytes, path).tensors].map(([name, tensor]) => {
      const { shape } = tensor
      return [name, { shape, values: floatsOf(tensor, `${path}: ${name}`) }]
    }),
  )

const floatsOf = (tensor: StoredTensor, what: string): Float32Array =>
  tensor.dtype === 'I64'
    ? Float32Array.from(new BigInt64Array(new Uint8Array(tensor.data).buffer), (value) => exactFloat(value, what))
    : toFloats(tensor)

function rawFloats(bytes: Uint8Array, path: string): Float32Array {
  if (bytes.length % 4 !== 0) throw new UserError(`${path} has ${bytes.length} bytes, expected floats of 4 bytes each`)
  return new Float32Array(new Uint8Array(bytes).buffer)
}
