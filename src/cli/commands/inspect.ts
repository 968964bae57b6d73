/** @file espalier inspect: what a file of tensors holds, or what a training step takes. */
import { Command } from 'commander'
import { UserError } from '../../util/errors.ts'
import { whole } from '../flags/parse.ts'
import type { InspectOptions } from '../inspect/options.ts'

export const inspectCommand = (): Command =>
  new Command('inspect')
    .argument(
      '[file]',
      'shape, signs, zeros, mean, std and histogram of every tensor; totals by kind, sparsity, compression ratio',
    )
    .option(
      '--program',
      'kernel calls and memory plan of a training step, of the network that the file or --model names',
    )
    .option('--model <name>', 'a built-in network, or an ONNX model (default: the one that the file is or names)')
    .option('--batch <n>', 'with --program: samples per step (default: 128)', whole('--batch', 1, 1e6))
    .option('--json', 'print one JSON object')
    .action(async (file: string | undefined, options: InspectOptions) => {
      if (options.program) return (await import('../inspect/program.ts')).inspectProgram(file, options)
      if (options.batch !== undefined) throw new UserError('--batch needs --program')
      if (file === undefined) throw new UserError('inspect needs a file of weights, or --program with --model')
      return (await import('../inspect/file.ts')).inspectFile(file, options)
    })
