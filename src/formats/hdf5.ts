/**
 * @file HDF5 files of weights as the code of GSM (Ding et al. 2019) has them: flat, a dataset per tensor
 * under its name, + where the name has /. Metadata are attributes of the file. Networks that this code has
 * (gsm-networks.ts) are read and written under its names; of others that are named alike the names are read
 * as those of the networks here.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { UserError } from '../util/errors.ts'
import { readBytes, writeAtomically } from '../util/files.ts'
import { isAbsent, needed, optional } from '../util/optional.ts'
import { foreignKeras } from './foreign.ts'
import { asGsm, gsmNetworkOf } from './gsm-file.ts'
import { BYTES_PER, type DType, type StoredTensor, type TensorFile, toFloats } from './safetensors-bytes.ts'

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

/** Whether a file begins as HDF5 files do. */
export const isHdf5 = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte)

/** The library, which takes some time to load and says on stderr what is wrong unless it is told to throw. */
async function library() {
  const hdf5 = await optional(['h5wasm'], 'writing HDF5 files', () => import('h5wasm/node'))
  const module = await hdf5.ready
  module.activate_throwing_error_handler()
  return hdf5
}

/** Our types by their letters in Python's struct module; unsigned integers take the next wider one. */
const types: Record<string, DType> = {
  e: 'F16',
  f: 'F32',
  d: 'F64',
  q: 'I64',
  i: 'I32',
  h: 'I16',
  b: 'I8',
  B: 'U8',
  '?': 'BOOL',
  H: 'I32',
  I: 'I64',
}

export interface Hdf5File extends TensorFile {
  /** What was found out of the file that it does not say itself, in sentences. */
  notes: string[]
}

/**
 * Throws UserError where the file is not what it should be, or holds what is neither numbers nor text; text
 * is left out.
 */
export async function readHdf5(path: string): Promise<Hdf5File> {
  const reader = new Hdf5Reader()
  try {
    return await reader.read(path)
  } finally {
    await reader.end()
  }
}

/** What the thread says of a file (hdf5-worker.js). */
type Answer =
  | { problem: string }
  | {
      datasets: { key: string; type: string; shape: number[]; value: unknown }[]
      others: { key: string; is: string }[]
      attributes: [string, string][]
    }

/** Seconds that a file may take, and bytes per second beyond: real ones take a hundredth of that. */
const PATIENCE = 10
const LEAST_RATE = 1e7

/**
 * Reads files one after the other in a thread of its own, which is ended where a damaged file keeps it busy.
 */
export class Hdf5Reader {
  #worker?: Worker

  /** As {@link readHdf5}; `patience`: seconds that it may take. */
  async read(path: string, patience?: number): Promise<Hdf5File> {
    const { length } = readBytes(path) // says why where it cannot be read
    const fail = (problem: string): never => {
      throw new UserError(`${path} is not a valid HDF5 file of weights: ${problem}`)
    }
    const answer = await this.#ask(path, 1000 * (patience ?? PATIENCE + length / LEAST_RATE))
    if (answer === undefined) return fail('reading it takes longer than any real file would')
    if ('problem' in answer) return fail(answer.problem)
    if (isKeras(answer)) throw foreignKeras(path)
    const [other] = answer.others
    if (other) return fail(`found the ${other.is} ${other.key} in it, expected data sets alone`)
    const stored = new Map<string, StoredTensor>()
    for (const { key, type, shape, value } of answer.datasets) {
      if (type === '') continue
      const dtype = types[type]
      if (!dtype || value === null)
        return fail(
          `the data set ${key} is of the type ${type}, expected floats, or integers of at most 64 bits with a sign`,
        )
      const data = bytesOf(value, type)
      const expected = shape.reduce((n, size) => n * size, BYTES_PER[dtype])
      if (data.length !== expected) fail(`${key} of shape [${shape}] needs ${expected} bytes, found ${data.length}`)
      stored.set(key.replaceAll('+', '/'), { dtype, shape, data })
    }
    const metadata = Object.fromEntries(answer.attributes)
    const gsm = gsmNetworkOf(stored)
    const tensors = new Map<string, StoredTensor>()
    for (const [key, tensor] of stored) {
      const name = gsm?.named(key) ?? nameOf(key)
      if (tensors.has(name)) fail(`two of its data sets are ${name} here, one of them ${key}`)
      tensors.set(name, tensor)
    }
    // What says its network was not written by that code.
    if (!gsm || metadata.model !== undefined) return { tensors, metadata, notes: [] }
    return { tensors, metadata: { ...gsm.metadata, ...metadata }, notes: [`${path} ${gsm.said}`] }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  /** The thread's answer; undefined where there is none in time. */
  async #ask(path: string, milliseconds: number): Promise<Answer | undefined> {
    // Flags of the process, such as --input-type, are not the thread's.
    const options = { stdout: true, stderr: true, execArgv: [] }
    this.#worker ??= new Worker(new URL('hdf5-worker.js', import.meta.url), options)
    const race = new AbortController()
    const { signal } = race
    const said = once(this.#worker, 'message', { signal }).then(([answer]) => answer as Answer)
    const gaveUp = once(this.#worker, 'exit', { signal }).then(() => Promise.reject(new Error('the library gave up')))
    const late = setTimeout(milliseconds, undefined, { signal })
    this.#worker.postMessage(path)
    try {
      const answer = await Promise.race([said, gaveUp, late])
      if (answer === undefined) await this.end()
      return answer
    } catch (error) {
      // The next file gets a thread of its own.
      await this.end()
      if (isAbsent(['h5wasm'], error as Error)) throw needed(['h5wasm'], 'reading HDF5 files', error as Error)
      return { problem: (error as Error).message.split('\n')[0] }
    } finally {
      race.abort()
    }
  }
}

/**
 * Writes tensors in their types, halves as 32-bit floats and booleans as bytes, whole or not at all; a
 * network that GSM's code has as that code reads it.
 */
export async function writeHdf5(path: string, given: TensorFile, called = path): Promise<void> {
  const { File } = await library()
  const { tensors, metadata } = asGsm(given)
  const folder = mkdtempSync(join(tmpdir(), 'espalier-hdf5-'))
  try {
    const whole = join(folder, 'weights.hdf5')
    const file = new File(whole, 'w')
    for (const [name, tensor] of tensors)
      file.create_dataset({ name: name.replaceAll('/', '+'), data: valuesOf(tensor), shape: [...tensor.shape] })
    for (const [key, value] of Object.entries(metadata)) file.create_attribute(key, value)
    file.close()
    writeAtomically(path, readBytes(whole), called)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Values as the library takes them. */
function valuesOf(tensor: StoredTensor) {
  const { buffer } = new Uint8Array(tensor.data)
  if (tensor.dtype === 'F64') return new Float64Array(buffer)
  if (tensor.dtype === 'I64') return new BigInt64Array(buffer)
  if (tensor.dtype === 'I32') return new Int32Array(buffer)
  if (tensor.dtype === 'I16') return new Int16Array(buffer)
  if (tensor.dtype === 'I8') return new Int8Array(buffer)
  return tensor.dtype === 'U8' || tensor.dtype === 'BOOL' ? new Uint8Array(buffer) : toFloats(tensor)
}

/**
 * A tensor's name here: `linear1.weight` is `fc1.weight`, `stem.conv1.bias` `conv1.bias`,
 * `stage1.0.conv1.bn.weight` `layer1.0.bn1.weight`.
 */
export const nameOf = (key: string): string =>
  key
    .replaceAll('+', '/')
    .replace(/^linear(\d*)\./, 'fc$1.')
    .replace(/^stem\.(conv\d+)\./, '$1.')
    .replace(/^stage(\d+)\./, 'layer$1.')
    .replace(/(^|\.)conv(\d+)\.conv\./, '$1conv$2.')
    .replace(/(^|\.)conv(\d+)\.bn\./, '$1bn$2.')

/** Whether it is a network or weights as any version of Keras writes them. */
const isKeras = ({ attributes, others }: Extract<Answer, { others: unknown }>): boolean =>
  attributes.some(([key]) => ['keras_version', 'model_config', 'layer_names'].includes(key)) ||
  others.some(({ key }) => ['model_weights', '_layer_checkpoint_dependencies', 'layers'].includes(key))

/** Little-endian bytes of what the library gives: a typed array, or a single number. */
function bytesOf(value: unknown, type: string): Uint8Array {
  const array = ArrayBuffer.isView(value) ? value : arrays[type].of(value as number | bigint)
  const wide = widened(array, type)
  return new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength).slice()
}

/** Those of the library, by the letter of a type. */
const arrays = {
  e: Uint16Array,
  f: Float32Array,
  d: Float64Array,
  q: BigInt64Array,
  i: Int32Array,
  h: Int16Array,
  b: Int8Array,
  B: Uint8Array,
  '?': Int8Array,
  H: Uint16Array,
  I: Uint32Array,
} as Record<string, { of(...values: (number | bigint)[]): ArrayBufferView }>

/** Unsigned integers as signed ones of twice the width. */
function widened(array: ArrayBufferView, type: string): ArrayBufferView {
  if (type === 'H') return Int32Array.from(array as Uint16Array)
  return type === 'I' ? BigInt64Array.from(array as Uint32Array, BigInt) : array
}
