/** @file ONNX Runtime, which multiplies with zeros, as a runtime of compacted networks. */
import { openInRuntime } from '../figures/runtime.ts'
import { withBatch } from '../formats/onnx/batch.ts'
import { encodeModel } from '../formats/onnx/encode.ts'
import { openModel } from '../formats/onnx/file.ts'
import { UserError } from '../util/errors.ts'
import type { Runtime } from './runtimes.ts'

/** Without `threads` ONNX Runtime takes as many as it finds good. */
export const onnxRuntime = (batch: number, threads: number | undefined, purpose: string): Runtime => ({
  description: `onnxruntime-node${threads === undefined ? '' : `, ${threads} ${threads === 1 ? 'thread' : 'threads'}`}`,
  batch,
  skipsZeros: false,
  async open({ onnx, reading }) {
    if (onnx.batch !== undefined && onnx.batch !== batch)
      throw new UserError(`--at-once: ${onnx.path} is for batches of ${onnx.batch}, found ${batch}`)
    const fixed = onnx.batch === undefined ? openModel(withBatch(onnx, batch), onnx.path) : onnx
    return openInRuntime({ file: fixed, reading, model: Buffer.concat(encodeModel(onnx.proto)) }, threads, purpose)
  },
})
