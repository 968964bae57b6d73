/** @file What is said of a network that was written. */
import { statSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import type { Written, WrittenOnnx, WrittenTflite } from '../../formats/network-file.ts'
import type { Forms } from '../../formats/onnx-sizes.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import type { OnnxFlags } from '../flags/onnx.ts'
import { compactLines } from './compact-table.ts'

/**
 * What a written file takes and how it compares with what was read; of a compact one what went; of an ONNX
 * model in all forms, with a warning where the form that was asked for is larger.
 */
export function writtenLines(path: string, { onnx, tflite }: Written, flags: OnnxFlags): string[] {
  if (tflite) return tfliteLines(path, tflite)
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

function tfliteLines(path: string, written: WrittenTflite): string[] {
  const { bytes: size, inputs, outputs, values, encoded, notes } = written
  const shapes = [inputs, outputs].map((list) =>
    Object.entries(list).map(([name, shape]) => `${name} [${shape.join(', ')}]`),
  )
  const { tensors, bytes: taken, skipped } = encoded
  return [
    `${grouped(values.zeros)} of ${grouped(values.size)} stored values of the file are zero (${percent(values.size ? values.zeros / values.size : 0)})`,
    ...notes.map((note) => `note: ${note}`),
    ...(tensors > 0
      ? [
          `${tensors} 1x1 convolutions are stored as nonzeros with their places (${bytes(taken)})${skipped ? ', whose zeros XNNPACK skips' : ''}`,
        ]
      : []),
    `from ${shapes[0].join(', ')} to ${shapes[1].join(', ')}; outputs were not compared: TensorFlow Lite files do not run here`,
    `The network is in ${path} (${bytes(size)})`,
  ]
}

/** The same for machines; the file itself is left out. */
export const writtenJson = ({ onnx, tflite }: Written): object => {
  if (!onnx) return tflite ?? {}
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
    sparse: '--sparse, where smaller',
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
