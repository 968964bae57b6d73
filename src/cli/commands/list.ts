/** @file espalier list: what there is. */

import { Argument, Command } from 'commander'
import { type Kind, kinds } from '../flags/kinds.ts'
import { whole } from '../flags/parse.ts'
import type { ListOptions } from '../work/list.ts'

export const listCommand = (): Command =>
  new Command('list')
    .addArgument(new Argument('<kind>', 'what to list').choices(kinds))
    .option('--family <name>', 'of recipes: those of at-init, dynamic, gsm, second-order or basics')
    .option('--network <name>', 'of recipes: those with this network')
    .option('--data <name>', 'of recipes: those on this data set')
    .option(
      '--max-minutes <n>',
      'of recipes: those that take no longer, a sweep with all its runs',
      whole('--max-minutes', 1, 1e9),
    )
    .option('--json', 'print one JSON array')
    .action(async (kind: Kind, options: ListOptions) => (await import('../work/list.ts')).list(kind, options))
