/**
 * @file A report as JSON, for pages that show it: the HTML file of espalier report and the studio. Numbers
 * are as they are drawn; cells of tables have their text and the number that they are sorted by.
 */
import { modelOf } from '../experiment/plan/network.ts'
import { publishedFor } from '../experiment/recipe/sections/about.ts'
import { version } from '../util/version.ts'
import { bestOf } from './best.ts'
import { labelOf, methodOf, type RunGroup, seriesOf } from './groups.ts'
import { accuracyOf, beforePruning, megaflopsOf, sparsityOf, spreadOf } from './groups-table.ts'
import { type Fact, originOf } from './origin.ts'
import { byEpoch } from './pictures/curves.ts'
import { densitiesOf, type LayerDensity, MOST_LAYERS } from './pictures/layers.ts'
import { type Grid, MASKS_CAPTION, maskPanels } from './pictures/masks.ts'
import { WEIGHTS_CAPTION, type WeightPanel, weightPanels } from './pictures/weights.ts'
import type { Report } from './report.ts'
import { isNumeric, isSpread, partsOf, type Spread, type Table } from './table.ts'
import { workOf } from './work.ts'

export interface ViewCell {
  text: string
  deviation?: string
  /** What the column is sorted by; absent: the text. */
  value?: number
}

export interface ViewTable {
  columns: { name: string; numeric: boolean }[]
  rows: ViewCell[][]
  /** The rows that stand out (best.ts). */
  best: number[]
}

/** A group of runs that differ by their seed alone. */
export interface GroupView {
  /** What it is called without its sparsity, and with it. */
  series: string
  label: string
  method: string
  /** The sparsity asked for, 0 to 1. */
  asked?: number
  /** The share of prunable weights that are not zero. */
  density?: number
  /** On the test set, in percent. */
  accuracy?: Spread
  /** Published accuracies in percent. */
  published: number[]
  /** After every epoch, means over seeds: losses, percent, and with GSM percent; null: not known. */
  loss: (number | null)[]
  epochAccuracy: (number | null)[]
  vanished: (number | null)[]
  overlap: (number | null)[]
  layers?: LayerDensity[]
  seconds?: Spread
  /** Operations of an inference, in millions; `dense`: without zeros. */
  megaflops?: { mean: number; dense: number }
}

export interface ReportView {
  title: string
  summary?: string
  version: string
  /** Short texts on what the runs are of. */
  facts: string[]
  notes: string[]
  origin: Fact[]
  means: ViewTable
  /** A row for every run, where those are more. */
  each?: ViewTable
  groups: GroupView[]
  /** The accuracy in percent without pruning, and what that is of. */
  dense?: { accuracy: number; of: string }
  /** Whether accuracies after epochs are of held-out samples. */
  validated: boolean
  /** How many groups have bars of layers. */
  mostLayers: number
  weights: { panels: WeightPanel[]; caption: string }
  masks: { panels: { label: string; grid: Grid }[]; caption: string }
}

/** `command`: what made the report. Throws UserError where a file of weights is damaged. */
export async function reportView(report: Report, { command }: { command: string }): Promise<ReportView> {
  const { title, summary, runs, means, each, notes } = report
  const { groups } = report.groups
  const validated = runs.some(({ epochs }) => epochs.some((epoch) => epoch.validationAccuracy))
  const [weights, masks] = [await weightPanels(groups), await maskPanels(groups)]
  return {
    title,
    summary,
    version: version(),
    facts: factsOf(report),
    notes: [...notes],
    origin: originOf(runs, { command, date: new Date() }),
    means: viewTable(means, means.rows.length === groups.length ? bestOf(groups) : []),
    each: runs.length > means.rows.length ? viewTable(each) : undefined,
    groups: groups.map((group) => groupView(group, validated)),
    dense: denseOf(groups),
    validated,
    mostLayers: MOST_LAYERS,
    weights: { panels: weights.panels, caption: WEIGHTS_CAPTION + weights.left },
    masks: { panels: masks.panels, caption: MASKS_CAPTION + masks.left },
  }
}

function factsOf({ runs, groups: { groups } }: Report): string[] {
  const complete = runs.filter(({ result }) => result)
  const seconds = complete.reduce((sum, { result }) => sum + result!.seconds, 0)
  return [
    ...new Set(runs.map(({ recipe }) => `${recipe.model.name} on ${recipe.data.name}`)),
    `${complete.length === runs.length ? runs.length : `${complete.length} of ${runs.length}`} ${runs.length === 1 ? 'run' : 'runs'}`,
    `${groups.length} ${groups.length === 1 ? 'setting' : 'settings'}`,
    ...(seconds > 0 ? [`${duration(seconds)} of training`] : []),
  ]
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

export function viewTable(table: Table, best: readonly boolean[] = []): ViewTable {
  return {
    columns: table.columns.map(({ name }, i) => ({ name, numeric: isNumeric(table, i) })),
    rows: table.rows.map((row) =>
      row.map((cell, i): ViewCell => {
        const [text, deviation] = partsOf(cell, table.columns[i])
        if (cell === undefined || typeof cell === 'string') return { text, value: leadingNumber(text) }
        return { text, deviation, value: isSpread(cell) ? cell.mean : cell }
      }),
    ),
    best: best.flatMap((is, i) => (is ? [i] : [])),
  }
}

/** The number that a text such as `95 %` begins with. */
function leadingNumber(text: string): number | undefined {
  const [number] = /^-?\d+(\.\d+)?(e-?\d+)?(?= %|$)/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}

function groupView(group: RunGroup, validated: boolean): GroupView {
  const { runs, method, sparsity: asked } = group
  const sparsity = spreadOf(runs, sparsityOf)
  const megaflops = spreadOf(runs, megaflopsOf)
  const percent = (share: number | undefined) => (share === undefined ? undefined : 100 * share)
  const [{ recipe }] = runs
  return {
    series: seriesOf(group),
    label: labelOf(group),
    method,
    asked,
    density: sparsity && 1 - sparsity.mean,
    accuracy: spreadOf(runs, accuracyOf),
    published: publishedFor(recipe).map(({ value }) => value),
    loss: byEpoch(runs, ({ trainLoss }) => trainLoss),
    epochAccuracy: byEpoch(runs, ({ validationAccuracy, trainAccuracy }) =>
      percent(validated ? validationAccuracy : trainAccuracy),
    ),
    vanished: byEpoch(runs, ({ gap }) => percent(gap?.vanished)),
    overlap: byEpoch(runs, ({ overlap }) => percent(overlap)),
    layers: densitiesOf(group),
    seconds: spreadOf(runs, ({ result }) => result?.seconds),
    megaflops: megaflops && { mean: megaflops.mean, dense: workOf(modelOf(recipe), []).denseFlops / 1e6 },
  }
}

/** That of runs that prune nothing; else of networks before they were pruned, where they were trained. */
function denseOf(groups: readonly RunGroup[]): ReportView['dense'] {
  const dense = groups.filter(({ runs: [{ recipe }] }) => methodOf(recipe) === 'dense').flatMap(({ runs }) => runs)
  const trained = spreadOf(dense, accuracyOf)
  if (trained) return { accuracy: trained.mean, of: 'dense' }
  const before = spreadOf(
    groups.flatMap(({ runs }) => runs),
    beforePruning,
  )
  return before && { accuracy: 100 * before.mean, of: 'before pruning' }
}
