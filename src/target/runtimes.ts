/**
 * @file What a compacted network takes on a runtime: this package's engine, which skips zeros where that
 * pays, or ONNX Runtime, which multiplies with them.
 */
import type { Machine } from '../engine/machine.ts'
import { openInRuntime } from '../figures/runtime.ts'
import { type Run, runOf } from '../figures/time.ts'
import { withBatch } from '../formats/onnx/batch.ts'
import { encodeModel } from '../formats/onnx/encode.ts'
import { openModel } from '../formats/onnx/file.ts'
import { weightsOfModel } from '../formats/onnx/onnx.ts'
import { SparseModel } from '../infer/sparse-model.ts'
import { UserError } from '../util/errors.ts'
import type { Compacted } from './compacted.ts'

/** A network that is ready to be run on its batch again and again. */
export interface Running {
  run: Run
  close(): Promise<void>
}

export interface Runtime {
  /** What it is, in words. */
  description: string
  /** Samples at a time. */
  batch: number
  /** Whether zeros that are left in a weight save time. */
  skipsZeros: boolean
  /** Throws UserError where it does not take the network. */
  open(network: Pick<Compacted, 'onnx' | 'reading'>): Promise<Running>
}

export const espalierRuntime = (machine: Machine, batch: number): Runtime => ({
  description: machine.description,
  batch,
  skipsZeros: true,
  async open({ onnx, reading }) {
    const model = new SparseModel(weightsOfModel(onnx, reading), { machine, source: onnx.path })
    return { run: runOf(model, batch), close: async () => {} }
  },
})

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
