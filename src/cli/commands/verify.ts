/**
 * @file espalier verify: whether a record, or a run, can be obtained again on this machine; and how a
 * stranger's weights do in a row of the ledger.
 */

import { Command } from 'commander'
import { paragraphs } from '../display/width.ts'
import { notNegative } from '../flags/parse.ts'
import type { VerifyOptions } from '../work/verify.ts'

const HELP = [
  'Counts have to be equal. On the instruction set of the record everything has to be, to the bit; on another one',
  'accuracies may differ by --tolerance. Nothing of a record is run but its settings, which are checked, and no file',
  'is read that it names: weights are those of --checkpoint, whose hash has to be that of the record.',
  'With --row nothing is done again: the weights that are given, however they were made, are judged by the data, the',
  'preprocessing and the count of that row.',
  'Exit status 0 says that all of it holds.',
].join(' ')

export const verifyCommand = (): Command =>
  new Command('verify')
    .argument(
      '<record>',
      'a file of espalier prune --record, a folder of them, the folder of a run, or with --row a file of weights',
    )
    .option('--checkpoint <file>', 'the weights that were pruned: prune them again')
    .option('--pruned <file>', 'the pruned network: check it against the record, without pruning again')
    .option('--row <name>', 'score a file of weights as this row of the ledger is, such as mlpnet-mnist-98')
    .option('--method <text>', 'with --row and --add: how the weights were made, in a few words')
    .option('--data <name>', 'the data set or folder (default: that of the record, where it has a name here)')
    .option(
      '--tolerance <points>',
      'by how many points of percent accuracies may differ on another instruction set (default: 0.5)',
      notNegative('--tolerance'),
    )
    .option('--add <folder>', 'where all holds, put the record and its verification, or the score, there')
    .option('--by <name>', 'with --add: who verifies')
    .option('--json', 'print one JSON object per record')
    .addHelpText('after', () => paragraphs(HELP))
    .action(async (record: string, options: VerifyOptions) =>
      (await import('../work/verify.ts')).verify(record, options),
    )
