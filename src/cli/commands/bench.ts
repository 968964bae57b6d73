/**
 * @file espalier bench: how fast a pruned network infers, on dense kernels and on those that skip zeros, or
 * beside other runtimes.
 */

import { Command } from 'commander'
import { limits } from '../../engine/kernels/limits.ts'
import { pixels, whole, wholeList } from '../flags/parse.ts'
import { layoutOption } from '../flags/preprocessing.ts'
import { WEIGHT_FILES } from '../flags/weight-files.ts'
import type { BenchOptions } from '../work/bench.ts'

const MOST = 65536

export const benchCommand = (): Command =>
  layoutOption(new Command('bench'))
    .argument('<file>', `an ONNX model, weights of a built-in network (${WEIGHT_FILES}), or the folder of a run`)
    .option('--model <name>', 'a built-in network (default: the one that the file names)')
    .option(
      '--against <list>',
      'compare with other runtimes, where they are installed: onnxruntime (native), onnxruntime-web (WebAssembly)',
    )
    .option('--int8 <file>', 'with --against: a quantized ONNX model of the same network, which they run too')
    .option('--batch <list>', 'batch sizes (default: 1,64; with --against 1,16)', wholeList('--batch', 1, MOST))
    .option(
      '--threads <list>',
      'with --against: numbers of threads (default: 1, and ESPALIER_THREADS or the number of processors)',
      wholeList('--threads', 1, limits.MOST_THREADS),
    )
    .option('--rounds <n>', 'turns that kinds of kernels, or runtimes, take', whole('--rounds', 1, MOST), 15)
    .option('--crop <pixels>', 'of an ONNX model that leaves the size of images open: their side', pixels('--crop'))
    .option('--costs <file>', 'the table of costs that auto goes by (default: that of the instruction set)')
    .option('--json', 'print one JSON object')
    .action(async (file: string, options: BenchOptions) => (await import('../work/bench.ts')).bench(file, options))
