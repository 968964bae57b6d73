/** @file espalier bench: how fast a pruned network infers, on dense kernels and on those that skip zeros. */

import { Command, Option } from 'commander'
import { whole, wholeList } from '../flags/parse.ts'
import type { BenchOptions } from '../work/bench.ts'

const MOST = 65536

export const benchCommand = (): Command =>
  new Command('bench')
    .argument(
      '<file>',
      'an ONNX model, weights of a built-in network (a safetensors or HDF5 file, or a PyTorch checkpoint), or the folder of a run',
    )
    .option('--model <name>', 'a built-in network (default: the one that the file names)')
    .addOption(
      new Option('--batch <list>', 'batch sizes').argParser(wholeList('--batch', 1, MOST)).default([1, 64], '1,64'),
    )
    .option('--rounds <n>', 'turns that the kinds of kernels take', whole('--rounds', 1, MOST), 15)
    .option('--costs <file>', 'the table of costs that auto goes by (default: that of the instruction set)')
    .option('--json', 'print one JSON object')
    .action(async (file: string, options: BenchOptions) => (await import('../work/bench.ts')).bench(file, options))
