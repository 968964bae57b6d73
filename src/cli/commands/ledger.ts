/** @file espalier ledger: one page of all that was measured, from records and runs. */

import { Command } from 'commander'
import type { LedgerOptions } from '../work/ledger.ts'

export const ledgerCommand = (): Command =>
  new Command('ledger')
    .argument('<folders...>', 'folders with records of espalier prune --record and with runs')
    .option('-o, --out <file>', 'write the page there instead of printing it; a name that ends in .md')
    .option('--force', 'write over a file that exists')
    .option('--json', 'print one JSON array, an object for every row')
    .action(async (folders: string[], options: LedgerOptions) =>
      (await import('../work/ledger.ts')).ledger(folders, options),
    )
