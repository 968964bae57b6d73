/** @file The options of commands that write networks, and what is said of what was written. */
import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import type { OnnxOptions, Written, WrittenOnnx } from '../../formats/network-file.ts'
import type { Forms } from '../../formats/onnx-sizes.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { compactLines } from '../display/compact-table.ts'
import { oneOf } from './choices.ts'
import { wholeNumber } from './numbers.ts'

export interface OnnxFlags {
  sparse?: boolean
  dtype: string
  foldBn?: boolean
  compact?: boolean
  multipleOf?: string
  batch?: string
  sizes?: boolean
  force?: boolean
}

/** Adds --sparse, --dtype, --fold-bn, --compact, --multiple-of, --batch, --sizes and --force. */
export const onnxFlags = (command: Command): Command =>
  command
    .option('--sparse', 'in ONNX models, store tensors as nonzeros where that is smaller (SparseTensorProto)')
    .option('--dtype <type>', 'in ONNX models, of stored weights: float32 or float16', 'float32')
    .option('--fold-bn', 'in ONNX models, make batch normalizations part of the convolutions before them')
    .option('--compact', 'in ONNX models, leave out channels that are zero, constant or read by nothing')
    .option('--multiple-of <n>', 'with --compact: keep channels in multiples of n, which some runtimes are faster with')
    .option('--batch <n>', 'in ONNX models, fix the number of samples, which some runtimes ask for')
    .option('--sizes', 'show what each form takes, compressed too (default: of ONNX models up to 16 MB)')
    .option('--force', 'write over a file that exists')

/** Throws UserError, naming the flag. */
export function onnxOptions(flags: OnnxFlags): OnnxOptions {
  const { sparse, dtype, foldBn, compact, multipleOf, batch, sizes } = flags
  if (multipleOf !== undefined && !compact) throw new UserError('--multiple-of is for --compact')
  return {
    sparse,
    foldBatchNorm: foldBn,
    compact,
    sizes,
    float16: oneOf('--dtype', dtype, ['float32', 'float16']) === 'float16',
    ...(multipleOf !== undefined && { multipleOf: wholeNumber('--multiple-of', multipleOf, 1, 1024) }),
    ...(batch !== undefined && { batch: wholeNumber('--batch', batch, 1, 1e6) }),
  }
}

/**
 * What a written file takes and how it compares with what was read; of a compact one what went; of an ONNX
 * model in all forms, with a warning where the form that was asked for is larger.
 */
export function writtenLines(path: string, { onnx }: Written, flags: OnnxFlags): string[] {
  const line = `The network is in ${path} (${bytes(onnx?.bytes ?? statSync(path).size)}${onnx?.data ? `, with its values in ${onnx.data}` : ''})`
  if (!onnx) return [line]
  const { forms, compact, folded, notes } = onnx
  return [
    ...(compact ? [...compactLines(compact), ''] : []),
    ...(folded ? [foldedLine(folded)] : []),
    ...notes.map((note) => `note: ${note}`),
    ...agreementLines(onnx),
    ...(forms ? ['', ...formLines(forms, flags), ''] : []),
    line,
    ...(flags.sparse ? [SPARSE_NOTE] : []),
  ]
}

const SPARSE_NOTE =
  'note: ONNX Runtime for Node, Python and WebAssembly loads sparse tensors, other runtimes may not: docs/methods.md lists which'

/** The same for machines; the file itself is left out. */
export const writtenJson = ({ onnx }: Written): object => {
  if (!onnx) return {}
  const { file: _, ...facts } = onnx
  return facts
}

/** Zeros of the whole file that was written. */
export const zerosLine = ({ floats: { zeros, size } }: WrittenOnnx): string =>
  `${grouped(zeros)} of ${grouped(size)} stored floats of the file are zero (${percent(size ? zeros / size : 0)})`

function foldedLine({ folded, stay }: NonNullable<WrittenOnnx['folded']>): string {
  const rest = stay.length > 0 ? `; ${stay.length} stay: ${stay.slice(0, 5).join('; ')}` : ''
  return `${folded} batch normalizations are part of their convolutions${rest}`
}

function agreementLines({ agreement, unchecked }: WrittenOnnx): string[] {
  if (!agreement) return [`outputs were not compared: ${unchecked}`]
  const { inputs, outputs, lacking } = agreement
  const list = outputs.map(({ name, difference }) => `${name} ${difference === 0 ? '0' : difference.toExponential(1)}`)
  return [
    `outputs of the file beside those of what was read, for ${inputs} random inputs, max|Δ|/max|y|: ${list.join(', ')}`,
    ...lacking.map(({ output, reason }) => `output ${output} was not compared: ${reason}`),
  ]
}

function formLines(forms: Forms, { sparse }: OnnxFlags): string[] {
  const { dense } = forms
  const names = {
    dense: 'all values',
    sparse: '--sparse: nonzeros and places, where smaller',
    float16: '--dtype float16',
  }
  const rows = Object.entries(forms).map(([form, size]) => [
    names[form as keyof Forms],
    bytes(size.bytes),
    bytes(size.brotli),
    percent(size.brotli / dense.brotli),
  ])
  const head = ['stored as', 'bytes', 'with brotli', 'of the first']
  const larger = sparse && forms.sparse.brotli > dense.brotli
  return [
    markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r'] }),
    ...(larger
      ? [
          'warning: compressed, the sparse form is larger than all values: each nonzero has an index of 8 bytes; leave --sparse out where files are compressed on their way',
        ]
      : []),
  ]
}
