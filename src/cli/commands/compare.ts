/** @file espalier compare: several networks side by side. */
import { Command } from 'commander'
import { precedence, preprocessingFlags } from '../flags/preprocessing.ts'
import type { CompareFlags } from '../work/compare.ts'

const command = (): Command =>
  new Command('compare')
    .argument('<files...>', 'ONNX models or weights, the first of which the others are compared with')
    .option('--model <name>', 'a built-in network whose weights they are (default: the one that each file is or names)')
    .option('--data <name>', 'a data set or a folder: accuracy, or distance from the first, on its test set')
    .option(
      '--runtime <names>',
      'what times are of: espalier, wasm, onnxruntime, several with commas between, or none',
      'espalier',
    )
    .option('--threads <n>', 'threads of those (default: the number of processors; wasm has one)')
    .option('--at-once <n>', 'images at a time that the times are of (default: 1)')
    .option('--picture <file>', 'draw all figures side by side, as SVG')

export const compareCommand = (): Command =>
  preprocessingFlags(command())
    .option('--json', 'print one JSON object')
    .addHelpText('after', precedence)
    .action(async (files: string[], flags: CompareFlags) => (await import('../work/compare.ts')).compare(files, flags))
