/** @file espalier list: what there is. */
import { Argument, Command } from 'commander'

export const kinds = ['models', 'datasets', 'methods', 'recipes'] as const
export type Kind = (typeof kinds)[number]

export interface ListOptions {
  json?: boolean
}

export const listCommand = (): Command =>
  new Command('list')
    .addArgument(new Argument('<kind>', 'what to list').choices(kinds))
    .option('--json', 'print one JSON array')
    .action(async (kind: Kind, options: ListOptions) => (await import('../work/list.ts')).list(kind, options))
