/** @file The table of a report: a row per group of runs, with means and deviations over their seeds. */

import { modelOf } from '../experiment/plan/network.ts'
import { publishedFor, publishedText } from '../experiment/recipe/sections/about.ts'
import type { RunResult } from '../experiment/run/events.ts'
import { LAST } from '../experiment/run/last-evaluations.ts'
import { meanAndDeviation } from '../sweep/summary.ts'
import { type Groups, percentText, type RunGroup } from './groups.ts'
import type { ReportedRun } from './run.ts'
import { type Cell, type Column, type Spread, type Table, threeDigits, withoutEmpty } from './table.ts'
import { workOf } from './work.ts'

/** The mean and deviation of a value over runs; undefined where no run has it. */
export function spreadOf(
  runs: readonly ReportedRun[],
  of: (run: ReportedRun) => number | undefined,
): Spread | undefined {
  const values = runs.map(of).filter((value) => value !== undefined)
  return values.length > 0 ? meanAndDeviation(values) : undefined
}

/** Applies a function to the result of a run; undefined where the run is not complete. */
const ofResult = (of: (result: RunResult, run: ReportedRun) => number | undefined) => (run: ReportedRun) =>
  run.result && of(run.result, run)

/** The share of zeros among prunable weights; for tied weights, the share that cannot be learned. */
export const sparsityOf = ofResult(({ layers }) => {
  const sum = (of: (layer: RunResult['layers'][number]) => number) => layers.reduce((all, layer) => all + of(layer), 0)
  return 1 - sum(({ learnable, kept }) => learnable ?? kept) / sum(({ size }) => size)
})

/** The share of zeros among all parameters, biases and normalizations included. */
const sparsityOfAll = ofResult(({ layers }, { recipe }) => {
  const zeros = layers.reduce((sum, { size, kept, learnable }) => sum + size - (learnable ?? kept), 0)
  return zeros / workOf(modelOf(recipe), layers).parameters
})

/** The operations of an inference on one sample, in millions. */
export const megaflopsOf = ofResult(({ layers }, { recipe }) => workOf(modelOf(recipe), layers).flops / 1e6)

const percent = (of: (run: ReportedRun) => number | undefined) => (run: ReportedRun) => {
  const share = of(run)
  return share === undefined ? undefined : 100 * share
}

/** The test accuracy in percent. */
export const accuracyOf = percent(ofResult(({ final }) => final.accuracy))

/**
 * The accuracy just before the first pruning event (of alternating phases the last); undefined where weights
 * were random then.
 */
export const beforePruning = ofResult(({ dense }, { recipe: { model, prune } }) => {
  const first = prune !== undefined && prune.schedule !== 'alternating'
  return first && /^0[a-z]/.test(prune.start) && model.weights === undefined ? undefined : dense?.accuracy
})

interface Measure extends Column {
  of(run: ReportedRun): number | undefined
  /** Whether the table leaves out its deviation, which says nothing of interest. */
  meanOnly?: boolean
}

const measures: readonly Measure[] = [
  { name: 'sparsity, %', digits: 2, of: percent(sparsityOf) },
  { name: 'of all, %', digits: 2, of: percent(sparsityOfAll) },
  { name: 'test accuracy, %', digits: 2, of: accuracyOf },
  { name: 'top-5, %', digits: 2, of: percent(({ last }) => last.top5) },
  { name: 'precision, %', digits: 2, of: percent(({ last }) => last.precision) },
  { name: 'recall, %', digits: 2, of: percent(({ last }) => last.recall) },
  { name: 'F1, %', digits: 2, of: percent(({ last }) => last.f1) },
  { name: `last ${LAST} tests, %`, digits: 2, of: percent(({ last }) => last.testAccuracy) },
  { name: `last ${LAST} top-5, %`, digits: 2, of: percent(({ last }) => last.testTop5) },
  { name: `last ${LAST} test losses`, digits: 4, of: ({ last }) => last.testLoss },
  { name: 'before pruning, %', digits: 2, of: percent(beforePruning) },
  { name: 'validation, %', digits: 2, of: percent(({ last }) => last.validationAccuracy) },
  { name: 'validation top-5, %', digits: 2, of: percent(({ last }) => last.validationTop5) },
  { name: 'validation F1, %', digits: 2, of: percent(({ last }) => last.validationF1) },
  { name: 'pruned, %', digits: 2, of: percent(({ last }) => last.prunedAccuracy) },
  { name: 'validation loss', digits: 4, of: ({ last }) => last.validationLoss },
  { name: 'training set, %', digits: 2, of: percent(({ last }) => last.trainSetAccuracy) },
  { name: 'train loss', digits: 4, of: ({ last }) => last.trainLoss },
  { name: 'MFLOP', digits: threeDigits, of: megaflopsOf, meanOnly: true },
  { name: 'file, kB', digits: 1, of: ofResult(({ modelBytes }) => modelBytes / 1e3), meanOnly: true },
  { name: 'seconds', digits: 0, of: ofResult(({ seconds }) => seconds) },
]

/** Published figures stand behind the measured ones that they are to be compared with. */
const PUBLISHED_AFTER = 'test accuracy, %'

/** Makes the table; with `each`, it has a row for every run, which is named by its folder. */
export function groupsTable({ groups, keys }: Groups, { each = false } = {}): Table {
  const columns: Column[] = [
    ...(each ? ['run'] : []).map((name) => ({ name })),
    { name: 'method' },
    { name: 'asked for' },
    ...keys.map((key) => ({ name: key === 'name' ? 'recipe' : key })),
    { name: each ? 'epochs' : 'runs' },
    ...measures.flatMap((measure) =>
      measure.name === PUBLISHED_AFTER ? [measure, { name: 'published, %' }] : [measure],
    ),
  ]
  const rows = groups.map((group): Cell[] => [
    ...(each ? [group.runs[0].folder] : []),
    group.method,
    group.sparsity === undefined ? undefined : percentText(group.sparsity),
    ...group.settings,
    each ? group.runs[0].epochs.length : runsText(group),
    ...measures.flatMap(({ name, of, meanOnly }) => {
      const measured = spreadOf(group.runs, of)
      const spread = meanOnly ? measured?.mean : measured
      return name === PUBLISHED_AFTER ? [spread, publishedCell(group)] : [spread]
    }),
  ])
  return withoutEmpty({ columns, rows })
}

/** How many runs there are, and how many of them are complete where not all are. */
function runsText({ runs }: RunGroup): Cell {
  const complete = runs.filter(({ result }) => result).length
  return complete === runs.length ? runs.length : `${complete} of ${runs.length}`
}

function publishedCell({ runs: [{ recipe }] }: RunGroup): Cell {
  return publishedFor(recipe).map(publishedText).join('; ')
}
