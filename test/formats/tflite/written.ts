/** @file ONNX models as TensorFlow Lite files in memory, and what ONNX Runtime says that they compute. */
import { openModel, parseOnnx } from '../../../src/formats/onnx/file.ts'
import type { ImportOptions } from '../../../src/formats/onnx/input.ts'
import { networkOf } from '../../../src/formats/tflite/network.ts'
import { toTflite } from '../../../src/formats/tflite/translate.ts'

export interface Written {
  bytes: Uint8Array
  /** Names of operators, in order. */
  operators: string[]
  skipsZeros: boolean
  notes: readonly string[]
}

export function written(
  model: Uint8Array | Parameters<typeof openModel>[0],
  { reading = {}, float16 = false }: { reading?: ImportOptions; float16?: boolean } = {},
): Written {
  const file = model instanceof Uint8Array ? parseOnnx(model, 'model.onnx') : openModel(model, 'model.onnx')
  const made = toTflite(networkOf(file, reading, file.batch ?? 1), 'model.tflite', { float16 })
  const { skipsZeros, notes } = made
  return { bytes: made.encode({}), operators: made.operators.map(({ name }) => name), skipsZeros, notes }
}

/** Maps [N, C, H, W] as [N, H, W, C]. */
export function channelsLast(values: ArrayLike<number>, [n, c, h, w]: readonly number[]): Float32Array {
  const result = new Float32Array(n * c * h * w)
  for (let i = 0; i < n; i++)
    for (let channel = 0; channel < c; channel++)
      for (let place = 0; place < h * w; place++)
        result[(i * h * w + place) * c + channel] = values[(i * c + channel) * h * w + place]
  return result
}
