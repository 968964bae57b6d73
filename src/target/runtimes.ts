/**
 * @file What a compacted network takes on a runtime, and this package's engine as one, which skips zeros
 * where that pays. Needs no Node.
 */
import type { Machine } from '../engine/machine.ts'
import { type Run, runOf } from '../figures/time.ts'
import { weightsOfModel } from '../formats/onnx/onnx.ts'
import { SparseModel } from '../infer/sparse-model.ts'
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
