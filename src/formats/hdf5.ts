/**
 * @file HDF5 files of weights as the code of GSM (Ding et al. 2019) has them: flat, a dataset per tensor under its name, + where the name has /. Metadata are attributes of
 * the file. Names of its LeNets, and of the blocks of its residual networks, are read as those of the networks here.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../util/errors.ts'
import { readBytes, writeAtomically } from '../util/files.ts'
import { type DType, type StoredTensor, type TensorFile, toFloats } from './safetensors-bytes.ts'

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

/** Whether a file begins as HDF5 files do. */
export const isHdf5 = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte)

/** The library, which takes some time to load and says on stderr what is wrong unless it is told to throw. */
async function library() {
  const hdf5 = await import('h5wasm/node')
  const module = await hdf5.ready
  module.activate_throwing_error_handler()
  return hdf5
}

const types: Record<string, DType> = {
  ...{ '<f': 'F32', '<d': 'F64', '<q': 'I64', '<i': 'I32', '<h': 'I16', '<b': 'I8', '<B': 'U8' },
}

/** Throws UserError where the file is not what it should be; values of other types than numbers are left out. */
export async function readHdf5(path: string): Promise<TensorFile> {
  readBytes(path) // says why where it cannot be read
  const { Dataset, File } = await library()
  try {
    const file = new File(path, 'r')
    try {
      const tensors = new Map<string, StoredTensor>()
      for (const key of file.keys()) {
        const entry = file.get(key)
        if (!(entry instanceof Dataset)) continue
        const dtype = types[String(entry.dtype)]
        const value = entry.value
        if (!dtype || value === null) continue
        tensors.set(nameOf(key), { dtype, shape: entry.shape ?? [], data: bytesOf(value, dtype) })
      }
      const attributes = Object.entries(file.attrs).map(([key, { value }]) => [key, String(value)])
      return { tensors, metadata: Object.fromEntries(attributes) }
    } finally {
      file.close()
    }
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(
      `${path} is not a valid HDF5 file of weights: ${String((error as Error).message ?? error).split('\n')[0]}`,
    )
  }
}

/** Writes all tensors as 32-bit floats, whole or not at all. */
export async function writeHdf5(path: string, { tensors, metadata }: TensorFile): Promise<void> {
  const { File } = await library()
  const folder = mkdtempSync(join(tmpdir(), 'espalier-hdf5-'))
  try {
    const whole = join(folder, 'weights.hdf5')
    const file = new File(whole, 'w')
    for (const [name, tensor] of tensors)
      file.create_dataset({ name: name.replaceAll('/', '+'), data: toFloats(tensor), shape: [...tensor.shape] })
    for (const [key, value] of Object.entries(metadata)) file.create_attribute(key, value)
    file.close()
    writeAtomically(path, readBytes(whole))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A tensor's name here: `linear1.weight` is `fc1.weight`, `stem.conv1.bias` `conv1.bias`, `stage1.0.conv1.bn.weight` `layer1.0.bn1.weight`. */
export const nameOf = (key: string): string =>
  key
    .replaceAll('+', '/')
    .replace(/^linear(\d*)\./, 'fc$1.')
    .replace(/^stem\.(conv\d+)\./, '$1.')
    .replace(/^stage(\d+)\./, 'layer$1.')
    .replace(/(^|\.)conv(\d+)\.conv\./, '$1conv$2.')
    .replace(/(^|\.)conv(\d+)\.bn\./, '$1bn$2.')

/** Little-endian bytes of what the library gives: a typed array, or a single number. */
function bytesOf(value: unknown, dtype: DType): Uint8Array {
  const array = ArrayBuffer.isView(value) ? value : single(value as number | bigint, dtype)
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice()
}

function single(value: number | bigint, dtype: DType): ArrayBufferView {
  if (dtype === 'I64') return BigInt64Array.of(BigInt(value))
  const makers = { F64: Float64Array, I32: Int32Array, I16: Int16Array, I8: Int8Array, U8: Uint8Array } as const
  return (makers[dtype as keyof typeof makers] ?? Float32Array).of(Number(value))
}
