/** @file The options of commands that write networks, and what is said of what was written. */
import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { bytes, percent } from '../experiment/report.ts'
import type { OnnxOptions, Written } from '../formats/network-file.ts'
import type { Forms } from '../formats/onnx/store.ts'
import { oneOf } from './choices.ts'
import { compactLines } from './compact-table.ts'

export interface OnnxFlags {
  sparse?: boolean
  dtype: string
  foldBn?: boolean
  compact?: boolean
}

/** Adds --sparse, --dtype, --fold-bn and --compact. */
export const onnxFlags = (command: Command): Command =>
  command
    .option('--sparse', 'in ONNX models, store tensors as nonzeros where that is smaller (SparseTensorProto)')
    .option('--dtype <type>', 'in ONNX models, of stored weights: float32 or float16', 'float32')
    .option('--fold-bn', 'in ONNX models, make batch normalizations part of the convolutions before them')
    .option('--compact', 'in ONNX models, leave out channels that are zero, constant or read by nothing')

/** Throws UserError, naming the flag. */
export const onnxOptions = ({ sparse, dtype, foldBn, compact }: OnnxFlags): OnnxOptions => ({
  ...{ sparse, foldBatchNorm: foldBn, compact },
  float16: oneOf('--dtype', dtype, ['float32', 'float16']) === 'float16',
})

/** What a written file takes; of a compact one what went, of an ONNX model in all forms, with a warning where the form that was asked for is larger. */
export function writtenLines(path: string, { forms, compact }: Written, { sparse }: OnnxFlags): string[] {
  const line = `The network is in ${path} (${bytes(statSync(path).size)})`
  if (!forms) return [line]
  const { dense } = forms
  const names = {
    dense: 'all values',
    sparse: '--sparse: nonzeros and places, where smaller',
    float16: '--dtype float16',
  }
  const rows = Object.entries(forms).map(([form, size]) => [
    ...[names[form as keyof Forms], bytes(size.bytes), bytes(size.brotli), percent(size.brotli / dense.brotli)],
  ])
  const table = markdownTable([['stored as', 'bytes', 'with brotli', 'of the first'], ...rows], {
    align: ['l', 'r', 'r', 'r'],
  })
  const larger = sparse && forms.sparse.brotli > dense.brotli
  return [
    ...(compact ? [...compactLines(compact), ''] : []),
    ...[table, '', line],
    ...(larger
      ? [
          'warning: compressed, the sparse form is larger than all values: each nonzero has an index of 8 bytes; leave --sparse out where files are compressed on their way',
        ]
      : []),
  ]
}
