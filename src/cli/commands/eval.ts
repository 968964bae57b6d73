/** @file espalier eval: the accuracy of stored weights on a test set. */

import { Command } from 'commander'
import type { EvalOptions } from '../eval/options.ts'
import { metricOption } from '../flags/metric-option.ts'
import { precedence, preprocessingFlags } from '../flags/preprocessing.ts'
import { WEIGHT_FILES } from '../flags/weight-files.ts'

export const evalCommand = (): Command =>
  metricOption(
    preprocessingFlags(
      new Command('eval')
        .argument('[file]', `an ONNX model, weights (${WEIGHT_FILES}), or the folder of a run`)
        .option(
          '--model <name>',
          'a built-in network, or an ONNX model whose weights they are (default: the one that the file is or names)',
        )
        .option('--weights <file>', 'the same as the argument')
        .option('--dataset <name>', 'a data set or a folder')
        .option('--data <name>', 'the same as --dataset'),
    ),
  )
    .option(
      '--engine <name>',
      'what runs the network: espalier, or onnxruntime, for models that do not run here (needs onnxruntime-node)',
      'espalier',
    )
    .option('--kernels <kind>', 'which layers skip their zeros: auto, dense or sparse', 'auto')
    .option('--costs <file>', 'the table of costs that auto goes by (default: that of the instruction set)')
    .option('--dense <file>', 'of data without labels: the dense network, from whose results distances are')
    .option('--json', 'print one JSON object')
    .addHelpText('after', precedence)
    .action(async (file: string | undefined, options: EvalOptions) =>
      (await import('../work/eval.ts')).evaluate(file, options),
    )
