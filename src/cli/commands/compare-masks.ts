/** @file espalier compare-masks: how far two pruned networks kept the same weights. */

import { Command } from 'commander'
import { WEIGHT_FILES } from '../flags/weight-files.ts'
import type { CompareMasksOptions } from '../work/compare-masks.ts'

export const compareMasksCommand = (): Command =>
  new Command('compare-masks')
    .argument('<a>', `pruned weights: an ONNX model, ${WEIGHT_FILES}, or the folder of a run`)
    .argument('<b>', 'another one, of the same network')
    .option('--model <name>', 'a built-in network (default: the one that the first file names)')
    .option('--prunable <set>', 'tensors to compare: all, published, reference', 'all')
    .option('--include <names>', 'these tensors only; comma separated, * for any characters')
    .option('--exclude <names>', 'not these tensors')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\noverlap: weights kept in both, of those kept in at least one (Jaccard index)')
    .action(async (a: string, b: string, options: CompareMasksOptions) =>
      (await import('../work/compare-masks.ts')).compareMasks(a, b, options),
    )
