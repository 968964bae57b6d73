/**
 * @file Stored floats in a TensorFlow Lite file: all values, halves that are made floats again when the file
 * is loaded, and nonzeros with their places, which XNNPACK takes as the sign to skip zeros (skips.ts).
 */
import { toHalf } from '../onnx/half.ts'
import type { TfliteFile } from './file.ts'
import { DIMENSIONS, INDICES } from './schema.ts'

/** The largest number that a half holds. */
const LARGEST_HALF = 65504

export interface Form {
  /** In half precision, where values are not beyond it. */
  float16: boolean
}

/** Stored floats as a tensor of float32; its index. Single numbers always have all their bits. */
export function storeFloats(
  file: TfliteFile,
  name: string,
  shape: readonly number[],
  values: Float32Array,
  { float16 }: Form,
): number {
  if (!float16 || values.length < 2 || !fitsHalf(values))
    return file.add({ name, shape, type: 'float32', data: bytesOf(values) })
  const half = file.add({ name: `${name} (half)`, shape, type: 'float16', data: halves(values) })
  return file.apply('DEQUANTIZE', [half], file.add({ name, shape, type: 'float32' }), {}, 2)
}

export const fitsHalf = (values: Float32Array): boolean => values.every((value) => Math.abs(value) <= LARGEST_HALF)

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array) =>
  new Uint8Array(buffer, byteOffset, byteLength)

const halves = (values: Float32Array) => bytesOf(Uint16Array.from(values, toHalf))

/**
 * The weights [outputs, 1, 1, inputs] of a 1x1 convolution, encoded: the nonzeros of an output one behind the
 * other (compressed sparse rows), made dense again by DENSIFY when the file is loaded; the index of what that
 * gives.
 */
export function storeEncoded(
  file: TfliteFile,
  name: string,
  shape: readonly number[],
  values: Float32Array,
  { float16 }: Form,
): number {
  const [outputs, , , inputs] = shape
  const segments = [0]
  const places: number[] = []
  const nonzeros: number[] = []
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const value = values[output * inputs + input]
      if (value === 0) continue
      places.push(input)
      nonzeros.push(value)
    }
    segments.push(places.length)
  }
  const kept = Float32Array.from(nonzeros)
  const half = float16 && fitsHalf(kept)
  const type = half ? 'float16' : 'float32'
  const rows = { array_segments_type: INDICES.int32.type, array_segments: list('int32', segments) }
  const width = inputs <= 2 ** 16 ? 'uint16' : 'int32'
  const columns = { array_indices_type: INDICES[width].type, array_indices: list(width, places) }
  const encoded = file.add({
    name: `${name} (encoded)`,
    shape,
    type,
    data: half ? halves(kept) : bytesOf(kept),
    sparsity: {
      traversal_order: [0, 1, 2, 3],
      dim_metadata: [
        ...[outputs, 1, 1].map((size) => ({ format: DIMENSIONS.DENSE, dense_size: size })),
        { format: DIMENSIONS.SPARSE_CSR, ...rows, ...columns },
      ],
    },
  })
  const dense = file.apply('DENSIFY', [encoded], file.add({ name: half ? `${name} (half)` : name, shape, type }))
  return half ? file.apply('DEQUANTIZE', [dense], file.add({ name, shape, type: 'float32' }), {}, 2) : dense
}

const list = (width: keyof typeof INDICES, values: readonly number[]) => ({
  table: INDICES[width].table,
  row: { values },
})
