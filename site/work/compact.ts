/** @file The network without the channels that pruning removed, where that computes the same. */
import type { Machine } from '../../src/engine/machine.ts'
import { compactModel } from '../../src/formats/onnx/compact-model.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { UserError } from '../../src/util/errors.ts'
import { type InferredFile, inferred, type Opened, targetOf, type Version } from './opened.ts'
import { sampleOf } from './timing.ts'

/** What rounding explains, of the largest output. */
const ROUNDING = 1e-3

/**
 * The version with a smaller ONNX model, or as it was, with a sentence that says why: nothing could be left
 * out, or what is left computes something else.
 */
export function compacted(opened: Opened, version: Version, machine: Machine): { version: Version; note?: string } {
  const { model, onnx, name } = opened
  try {
    const { file } = compactModel(targetOf(opened, version), onnx?.reading ?? {})
    const small = { ...version, compact: file }
    const run = (of: InferredFile) => new SparseModel(of, { machine, source: name }).run(sampleOf(model!))
    const [before, after] = [run(inferred(opened, version)), run(inferred(opened, small))]
    const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const apart = before.reduce((most, value, i) => Math.max(most, Math.abs(value - after[i])), 0)
    if (before.length === after.length && apart <= ROUNDING * largest) return { version: small }
    throw new UserError('without them it computes something else')
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { version, note: `Channels are zero, and not left out of the file: ${error.message}.` }
  }
}
