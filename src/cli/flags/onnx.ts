/** @file The options of commands that write networks. */
import type { Command } from 'commander'
import type { OnnxOptions } from '../../formats/network-file.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf } from './choices.ts'
import { whole } from './parse.ts'

export interface OnnxFlags {
  sparse?: boolean
  dtype: string
  foldBn?: boolean
  compact?: boolean
  multipleOf?: number
  batch?: number
  sizes?: boolean
  force?: boolean
}

/** Adds --sparse, --dtype, --fold-bn, --compact, --multiple-of, --batch, --sizes and --force. */
export const onnxFlags = (command: Command): Command =>
  command
    .option('--sparse', 'in ONNX models, store tensors as nonzeros where that is smaller (SparseTensorProto)')
    .option('--dtype <type>', 'in ONNX models and .tflite files, of stored weights: float32 or float16', 'float32')
    .option('--fold-bn', 'in ONNX models, make batch normalizations part of the convolutions before them')
    .option('--compact', 'in ONNX models, leave out channels that are zero, constant or read by nothing')
    .option(
      '--multiple-of <n>',
      'with --compact, or --granularity channel: keep channels in multiples of n, which some runtimes are faster with',
      whole('--multiple-of', 1, 1024),
    )
    .option(
      '--batch <n>',
      'in ONNX models and .tflite files, fix the number of samples, which some runtimes ask for',
      whole('--batch', 1, 1e6),
    )
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
    multipleOf,
    batch,
  }
}
