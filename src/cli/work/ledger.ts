/** @file The work of espalier ledger. */
import { ledgerDocument } from '../../ledger/document.ts'
import { ledgerOf } from '../../ledger/ledger.ts'
import { toMarkdown } from '../../report/formats/markdown.ts'
import type { Table } from '../../report/table.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { checkOutput } from '../flags/output-file.ts'
import { currentIo } from '../io.ts'

export interface LedgerOptions {
  out?: string
  force?: boolean
  json?: boolean
}

export async function ledger(folders: string[], { out, force, json }: LedgerOptions): Promise<void> {
  if (json && out !== undefined) throw new UserError('--json prints rows and does not go with --out')
  if (force && out === undefined) throw new UserError('--force needs --out')
  if (out !== undefined) {
    if (!out.endsWith('.md')) throw new UserError(`--out: expected a name that ends in .md, found ${out}`)
    checkOutput(out, { inputs: [], force })
  }
  const found = ledgerOf(folders)
  if (json) return printJson(found.rows)
  const command = ['espalier ledger', ...folders, ...(out === undefined ? [] : ['-o', out])].join(' ')
  if (out === undefined) {
    const shown = currentIo().stdout.isTTY ? inTerminal : toMarkdown // What goes into a file is the page.
    return print(ledgerDocument(found, command, shown).trimEnd())
  }
  writeAtomically(out, ledgerDocument(found, command))
  print(`written: ${out}`)
}

/** Columns that go where the terminal has no room for them, the first ones first. */
const EXPENDABLE = [
  'images',
  'MB',
  'instructions',
  'of processors',
  'seconds',
  'verified by',
  'sample gradients',
  'epochs',
  'kept',
  'published, %',
]

const inTerminal = (table: Table): string => fitting(toMarkdown(table), EXPENDABLE, { elsewhere: '--out' })
