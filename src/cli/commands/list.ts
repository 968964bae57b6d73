/** @file espalier list: what there is. */
import { Argument, Command } from 'commander'

export const kinds = ['models', 'datasets', 'methods', 'recipes'] as const
export type Kind = (typeof kinds)[number]

export interface ListOptions {
  family?: string
  network?: string
  data?: string
  json?: boolean
}

export const listCommand = (): Command =>
  new Command('list')
    .addArgument(new Argument('<kind>', 'what to list').choices(kinds))
    .option('--family <name>', 'of recipes: those of at-init, dynamic, gsm, second-order or basics')
    .option('--network <name>', 'of recipes: those with this network')
    .option('--data <name>', 'of recipes: those on this data set')
    .option('--json', 'print one JSON array')
    .action(async (kind: Kind, options: ListOptions) => (await import('../work/list.ts')).list(kind, options))
