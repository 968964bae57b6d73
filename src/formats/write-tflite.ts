/**
 * @file Networks as TensorFlow Lite files, for LiteRT and what else runs these. Batch normalizations become
 * part of the layers before them, maps lie as [N, H, W, C], and 1x1 convolutions with many zeros are stored
 * as nonzeros with their places, which XNNPACK does not multiply with.
 */
import { UserError } from '../util/errors.ts'
import { writeAtomically } from '../util/files.ts'
import type { Source } from './network-source.ts'
import { withBatch } from './onnx/batch.ts'
import { openModel } from './onnx/file.ts'
import type { TfliteFile } from './tflite/file.ts'
import { networkOf } from './tflite/network.ts'
import { toTflite } from './tflite/translate.ts'

/** How a TensorFlow Lite file is written. */
export interface TfliteOptions {
  /** Weights in half precision, which are made floats when the file is loaded. Default: float32. */
  float16?: boolean
  /** Samples in a batch. Default: as many as the network is for, where it says a number, else 1. */
  batch?: number
}

/** What is known of a written TensorFlow Lite file. */
export interface WrittenTflite {
  bytes: number
  /** Operators, by name: how often each occurs. */
  operators: Readonly<Record<string, number>>
  /** Inputs and outputs by name, with their shapes. */
  inputs: Readonly<Record<string, readonly number[]>>
  outputs: Readonly<Record<string, readonly number[]>>
  /** Stored floats and bytes: how many there are, and how many are zero. */
  values: { size: number; zeros: number }
  /**
   * 1x1 convolutions whose nonzeros alone are stored, the bytes that their values and places take, and
   * whether XNNPACK skips their zeros.
   */
  encoded: { tensors: number; bytes: number; skipped: boolean }
  /** What could not take the form that was asked for, and zeros that gain no time. */
  notes: string[]
}

/** The largest file: offsets have 31 bits. */
const MOST_BYTES = 2 ** 31 - 2 ** 20

/** Whether a name is that of a TensorFlow Lite file. */
export const isTfliteName = (name: string): boolean => name.toLowerCase().endsWith('.tflite')

/** Throws UserError where the network does not run here, or has an operator that cannot be written. */
export function writeTflite(path: string, source: Source, options: TfliteOptions): WrittenTflite {
  const file = tfliteOf(path, source, options)
  const bytes = file.encode(source.target.metadata)
  writeAtomically(path, [bytes], path)
  return { bytes: bytes.length, ...described(file), notes: notesOf(file, options) }
}

/** The file in memory. Throws UserError as {@link writeTflite} does. */
export function tfliteOf(path: string, { target, reading = {} }: Source, options: TfliteOptions): TfliteFile {
  const { batch, float16 = false } = options
  const model = batch === undefined ? target : openModel(withBatch(target, batch), target.path, target.external)
  const file = toTflite(networkOf(model, reading, model.batch ?? 1), path, { float16 })
  const bytes = file.tensors.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
  if (bytes > MOST_BYTES)
    throw new UserError(`${path}: its weights take ${bytes} bytes, and a TensorFlow Lite file holds ${MOST_BYTES}`)
  return file
}

function described({ tensors, operators, inputs, outputs, skipsZeros }: TfliteFile) {
  const shapes = (list: TfliteFile['inputs']) =>
    Object.fromEntries(list.map(({ name, tensor }) => [name, tensors[tensor].shape]))
  const counts: Record<string, number> = {}
  for (const { name } of operators) counts[name] = (counts[name] ?? 0) + 1
  return {
    operators: counts,
    inputs: shapes(inputs),
    outputs: shapes(outputs),
    values: valuesOf(tensors),
    encoded: { ...encodedOf(tensors), skipped: skipsZeros },
  }
}

/** Words of values by their type, and the one besides 0 that is zero: the sign alone, of floats. */
const SIGNS = {
  float32: [Uint32Array, 0x80000000],
  float16: [Uint16Array, 0x8000],
  int8: [Uint8Array, 0],
} as const

function valuesOf(tensors: TfliteFile['tensors']) {
  let [size, zeros] = [0, 0]
  for (const { type, data, shape } of tensors) {
    if (!data || !(type in SIGNS)) continue
    const [width, sign] = SIGNS[type as keyof typeof SIGNS]
    const words = new width(data.slice().buffer)
    const elements = shape.reduce((product, n) => product * n, 1)
    size += elements
    zeros += elements - words.length
    for (const word of words) if (word === 0 || word === sign) zeros++
  }
  return { size, zeros }
}

function encodedOf(tensors: TfliteFile['tensors']) {
  const encoded = tensors.filter(({ sparsity }) => sparsity !== undefined)
  const places = encoded.flatMap(({ sparsity }) =>
    (sparsity!.dim_metadata ?? []).flatMap(({ array_segments, array_indices }) => [array_segments, array_indices]),
  )
  const widths = places.map((list) => {
    if (!list) return 0
    const [kind] = Object.values(list.table)
    return (list.row.values as ArrayLike<number>).length * (kind === 'uint16s' ? 2 : 4)
  })
  const bytes = encoded.reduce((sum, { data }) => sum + data!.length, 0) + widths.reduce((sum, n) => sum + n, 0)
  return { tensors: encoded.length, bytes }
}

/** Notes on the file, and the names of weights that are beyond what a half holds. */
function notesOf({ tensors, notes }: TfliteFile, { float16 }: TfliteOptions): string[] {
  if (!float16) return notes
  const whole = tensors.filter(({ type, data }) => type === 'float32' && data && data.length > 4)
  if (whole.length === 0) return notes
  const names = whole.map(({ name }) => name).join(', ')
  return [...notes, `stored as float32, since values are beyond the largest half: ${names}`]
}
