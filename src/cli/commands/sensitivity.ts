/** @file espalier sensitivity: what pruning each tensor alone does, level by level. */
import { Command } from 'commander'
import { precedence, preprocessingFlags } from '../flags/preprocessing.ts'
import { addSettingFlags } from '../prune/setting-flags.ts'
import type { SensitivityFlags } from '../work/sensitivity.ts'

const command = (): Command =>
  addSettingFlags(
    new Command('sensitivity')
      .argument('<file>', 'an ONNX model, or trained weights, as prune takes them')
      .requiredOption('--data <name>', 'a data set or a folder: pruned networks are judged on its training samples')
      .option('--model <name>', 'a built-in network, or an ONNX model whose weights they are')
      .option(
        '--method <name>',
        'what decides which weights of a tensor go (espalier prune --help lists them)',
        'magnitude',
      )
      .option(
        '--granularity <name>',
        'weight, a row for each tensor, or channel, a row for all layers that make the same channels (default: weight)',
      )
      .option('--levels <list>', 'sparsities, comma separated', '0.5,0.7,0.8,0.9,0.95')
      .option(
        '--judges <n>',
        'training samples whose loss is measured (default: 1000, fewer of a network whose passes are dear)',
      )
      .option('--test', 'the test set in the place of training samples: the figures that prune prints')
      .option(
        '--proxy',
        'estimate losses from gradients in the place of measuring them, in a small part of the time, and say how far off that is on a sample of levels',
      )
      .option('--include <names>', 'these tensors only; comma separated, * for any characters')
      .option('--exclude <names>', 'not these tensors')
      .option('--prunable <set>', 'published (what published results of the network prune) or all', 'published')
      .option('--runtime <name>', 'what times are of: espalier, wasm, none, of channels also onnxruntime', 'espalier')
      .option('--threads <n>', 'threads of that (default: the number of processors; wasm has one)')
      .option('--at-once <n>', 'images at a time that the times are of (default: 1)')
      .option('--seed <n>', 'seed of all random draws', '0')
      .option('--picture <file>', 'draw losses by level, as SVG'),
  )

export const sensitivityCommand = (): Command =>
  preprocessingFlags(command())
    .option('--json', 'print one JSON object')
    .addHelpText('after', precedence)
    .action(async (given: string, flags: SensitivityFlags, command: Command) =>
      (await import('../work/sensitivity.ts')).sensitivity(given, flags, command),
    )
