/**
 * @file A ledger in sections: of each network and data set the networks that were pruned after their
 * training, by checkpoint, apart from those that were trained here, and from weights that were scored as
 * they are.
 */
import { percentText } from '../report/groups.ts'
import { type Cell, type Column, type Table, withoutEmpty } from '../report/table.ts'
import { groupBy } from '../util/group-by.ts'
import type { Kind } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Figure, Place } from './published.ts'
import type { Row } from './rows.ts'

export interface Section {
  network: string
  data: string
  kind: Kind
  rows: readonly Row[]
  table: Table
}

export interface Sections {
  sections: Section[]
  /** What the numbers in brackets behind published figures stand for. */
  sources: readonly string[]
}

export function sectionsOf({ rows, published }: Ledger): Sections {
  const sources: string[] = []
  const sections = [...groupBy(rows, sectionOf).values()].map((some): Section => {
    const [{ network, data, kind }] = some
    const rivals = kind === 'pruned' ? withoutRow(some, published.all) : []
    return { network, data, kind, rows: some, table: tableOf(some, rivals, sources) }
  })
  return { sections, sources }
}

const sectionOf = ({ network, data, kind, checkpoint }: Row) =>
  JSON.stringify([network, data, kind, checkpoint?.sha256, checkpoint?.data])

/** Published figures at sparsities that were measured, of methods that were not. */
function withoutRow(rows: readonly Row[], all: readonly (Place & Figure)[]): (Place & Figure)[] {
  const [{ network, data }] = rows
  const beside = rows.map(({ method, sparsity }) => ({ method, percent: percentText(sparsity) }))
  return all.filter((one) => {
    const here = beside.filter(({ percent }) => percent === percentText(one.sparsity))
    const known = here.some(({ method }) => method === one.method)
    return one.network === network && one.data === data && here.length > 0 && !known
  })
}

const columns: readonly Column[] = [
  { name: 'sparsity' },
  { name: 'method' },
  { name: 'accuracy, %', digits: 2 },
  { name: 'published, %' },
  { name: 'seeds' },
  { name: 'kept' },
  { name: 'epochs' },
  { name: 'sample gradients' },
  { name: 'images' },
  { name: 'instructions' },
  { name: 'seconds', digits: 1 },
  { name: 'of processors', digits: 1 },
  { name: 'MB', digits: 0 },
  { name: 'verified by' },
]

function tableOf(rows: readonly Row[], rivals: readonly (Place & Figure)[], sources: string[]): Table {
  const measured = rows.map((row) => ({
    sparsity: row.sparsity,
    accuracy: row.accuracy.mean,
    cells: cellsOf(row, sources),
  }))
  const others = rivals.map(({ sparsity, accuracy, method, ...figure }) => {
    const text = figureText({ accuracy, ...figure }, sources)
    const cells: Cell[] = [percentText(sparsity), method, undefined, text, ...columns.slice(4).map(() => undefined)]
    return { sparsity, accuracy, cells }
  })
  const sorted = [...measured, ...others].sort((a, b) => a.sparsity - b.sparsity || b.accuracy - a.accuracy)
  return withoutEmpty({ columns, rows: sorted.map(({ cells }) => cells) })
}

const cellsOf = (row: Row, sources: string[]): Cell[] => [
  percentText(row.sparsity),
  [row.method, ...row.options].join(', '),
  row.accuracy,
  row.published.map((figure) => figureText(figure, sources)).join('; '),
  row.kind === 'scored' ? undefined : row.seeds.length,
  rangeText(row.kept),
  row.kind === 'trained' ? row.epochs : undefined,
  row.gradients && rangeText(row.gradients),
  row.images?.[1] ? rangeText(row.images) : undefined,
  row.instructions,
  row.seconds,
  row.processorSeconds,
  row.peakMemory && row.peakMemory / 1e6,
  row.verified.join(', '),
]

/** `55.45 [1]`, with the number of its source in the list. */
function figureText({ accuracy, deviation, source, settings, recalled }: Figure, sources: string[]): string {
  const text = `${source}: ${settings}${recalled ? '; recalled, to be verified' : ''}.`
  if (!sources.includes(text)) sources.push(text)
  const spread = deviation === undefined ? '' : ` ± ${deviation}`
  return `${accuracy.toFixed(2)}${spread} [${sources.indexOf(text) + 1}]`
}

function rangeText(values: readonly number[]): string {
  const [least, most] = [values[0], values[values.length - 1]].map((value) => value.toLocaleString('en-US'))
  return least === most ? least : `${least} to ${most}`
}
