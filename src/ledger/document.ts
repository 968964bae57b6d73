/** @file Writes a ledger as a Markdown document. */
import { toMarkdown } from '../report/formats/markdown.ts'
import { listed } from '../report/notes.ts'
import type { Table } from '../report/table.ts'
import type { Kind } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Row } from './rows.ts'
import { type Section, sectionsOf } from './sections.ts'

/** How many columns a line of prose has at most. */
const COLUMNS = 110

/**
 * The document. `command`: what writes it; `shown`: how a table is written where not all of its columns have
 * room.
 */
export function ledgerDocument(ledger: Ledger, command: string, shown: (table: Table) => string = toMarkdown): string {
  const { sections, sources } = sectionsOf(ledger)
  let network = ''
  const parts = sections.flatMap((section) => {
    const name = `${section.network} on ${section.data}`
    const heading = name === network ? [] : [`## ${name}`]
    network = name
    return [...heading, `### ${titles[section.kind]}`, wrapped(leadOf(section)), shown(section.table)]
  })
  return [
    '# Ledger',
    wrapped(`This page is written by \`${command}\`; nothing in it is written by hand. ${MEANING}`),
    wrapped(PROVENANCE),
    ...parts,
    ...(sources.length > 0 ? ['## Published figures', wrapped(PUBLISHED), listOf(sources)] : []),
    ...notesOf(ledger).map((note) => wrapped(note)),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

const MEANING =
  'Accuracies are those of the whole test set, means and sample deviations (±) over so many seeds; sparsity is the ' +
  'share of zeros among the weights that were pruned, as it was asked for, and kept is how many of them are left, ' +
  'counted. Networks that were pruned after their training, without epochs, stand apart from those that were ' +
  'trained here. Sample gradients are those of single training samples that pruning took, in rounds of updates, ' +
  'too: a little training, that is counted. Images are training images that inputs of layers and new statistics ' +
  'were taken from, without their labels.'

const PROVENANCE =
  'Seconds are means by the clock, without evaluations, and of processors over all threads, which a busy machine ' +
  'does not change; MB is the most memory that the process held, data sets included. Rows of other instructions ' +
  'are rows of their own, since results are the same to the bit on the same ones only. Whoever is named under ' +
  '“verified by” ran a record of the row again with `espalier verify`.'

const PUBLISHED =
  'A figure in brackets names the source of what was published, with the settings that it belongs to there. They ' +
  'are seldom those of the row that it stands in.'

const titles: Record<Kind, string> = {
  pruned: 'After training, no epochs',
  trained: 'Trained',
  scored: 'Scored',
}

const SCORED =
  'These are files of weights that `espalier verify --row` scored on the data and with the preprocessing of the ' +
  'rows above. How they were made is what whoever brought them says; nobody has done it again.'

function leadOf({ kind, rows }: Section): string {
  const [{ checkpoint }] = rows
  const sizes = [...new Set(rows.map(({ size }) => size))].sort((a, b) => a - b)
  const weights = `${sizes.map((size) => size.toLocaleString('en-US')).join(' or ')} weights can be pruned`
  if (kind === 'scored') return `${SCORED} Of each network ${weights}.`
  if (kind === 'trained' || !checkpoint) return `Of each network ${weights}.`
  const { name = 'a checkpoint', sha256, data } = checkpoint
  const hashes = `SHA-256 ${sha256.slice(0, 16)}${data === undefined ? '' : `, data set ${data.slice(0, 16)}`}`
  const right = [...new Set(rows.flatMap(({ dense }) => dense?.mean.toFixed(2) ?? []))].sort()
  const before = right.length === 0 ? '' : `; before pruning ${right.join(' or ')} % are right`
  const inputs = [...new Set(rows.flatMap((row) => row.inputs))]
  const made = inputs.length === 0 ? '' : ` Inputs have ${inputs.join(', ')}.`
  return `From ${name === 'a checkpoint' ? name : `\`${name}\``} (${hashes}), of which ${weights}${before}.${made}`
}

function notesOf({ rows, incomplete, unfounded }: Ledger): string[] {
  const single = rows.filter(({ kind, seeds }) => kind !== 'scored' && seeds.length === 1)
  const versions = [...new Set(rows.flatMap((row) => row.versions))].sort()
  return [
    ...(versions.length > 0 ? [`Measured with Espalier ${versions.join(', ')}.`] : []),
    ...(single.length > 0 ? [`Rows of one seed have no deviation: ${listed(single.map(nameOf))}.`] : []),
    ...(incomplete.length > 0 ? [`Runs that are not complete do not count: ${listed(incomplete)}.`] : []),
    ...(unfounded.length > 0
      ? [`Verifications of records that are not here, or were changed since, do not count: ${listed(unfounded)}.`]
      : []),
  ]
}

const nameOf = ({ method, sparsity }: Row) => `${method} at ${Number((100 * sparsity).toFixed(4))} %`

const listOf = (sources: readonly string[]): string =>
  sources.map((source, i) => wrapped(`${i + 1}. ${source}`, '   ')).join('\n')

/** A paragraph in lines; those after the first begin with `indent`. */
function wrapped(text: string, indent = ''): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.length - 1
    if (lines[last] === '') lines[last] = word
    else if (lines[last].length + 1 + word.length <= COLUMNS) lines[last] += ` ${word}`
    else lines.push(indent + word)
  }
  return lines.join('\n')
}
