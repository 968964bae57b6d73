/**
 * @file What a model takes by how its floats are stored, as it is and compressed with brotli as web servers
 * do.
 */
import type { ModelProto } from 'onnx-buf'
import { brotliBytes } from './brotli.ts'
import { encodeModel, lengthOf } from './onnx/encode.ts'
import { inHalves, sparsely } from './onnx/store.ts'

export interface Size {
  bytes: number
  brotli: number
}

export type Forms = Record<'dense' | 'sparse' | 'float16', Size>

/** Bytes of a model in each form. Compressing takes a second for about 50 MB, three times. */
export function sizesOf(model: ModelProto): Forms {
  const of = (stored: ModelProto): Size => {
    const parts = encodeModel(stored)
    return { bytes: lengthOf(parts), brotli: brotliBytes(Buffer.concat(parts)) }
  }
  return { dense: of(model), sparse: of(sparsely(model).model), float16: of(inHalves(model).model) }
}
