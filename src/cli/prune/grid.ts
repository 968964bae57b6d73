/**
 * @file espalier prune --compare over sparsities: the same network pruned by several methods to each of them,
 * in tables and as curves.
 */
import type { Machine } from '../../engine/machine.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { leastInTurns, runOf } from '../../figures/time.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import type { MethodName } from '../../methods/index.ts'
import { starvations } from '../../methods/starved.ts'
import type { Model } from '../../models/model.ts'
import { methodsPicture } from '../../report/pictures/methods.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Metric } from '../../train/metric.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { clock, grouped, percent } from '../../util/format.ts'
import { lastWords } from '../display/last-words.ts'
import { DISTANCES, isDistance, type Measured, measured, measuredText } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { pictureWriter } from '../flags/picture.ts'
import { judged } from './attempt.ts'
import { type FailedRow, frontOf, type Grid, type GridRow, gridTables, isFailed, shareText } from './grid-tables.ts'
import { PruneDisplay } from './progress.ts'
import { settingFlag } from './setting-flags.ts'
import { type PruneFlags, type PruneTask, planOf, pruneTask } from './settings.ts'
import { leftBehind, loadInputs } from './with-data.ts'
import { type Prepared, prepare } from './work.ts'

const SAYS =
  '* no other network here is as good and as fast; ms are on one thread of this engine; budgets are over all sparsities: images of calibration and new statistics, gradients of single samples, seconds, whether batch normalizations took new statistics, and rounds of updates at last'

export interface GridFlags extends PruneFlags {
  data: string
  names: readonly MethodName[]
  /** Ascending. */
  grid: readonly number[]
  measure?: Metric
}

/** A method at a sparsity, to be done. */
interface Cell {
  asked: number
  task: PruneTask
}

export async function compareOverSparsities(file: WeightsFile, path: string, model: Model, flags: GridFlags) {
  const { names, grid: sparsities, measure: metric } = flags
  const draw = flags.picture === undefined ? undefined : await pictureWriter(flags.picture, [path])
  // Sparsity by sparsity, so that after the first of them it is known how long each method takes.
  const cells = sparsities.flatMap((asked): Cell[] =>
    names.map((name) => ({ asked, task: pruneTask({ ...flags, sparsity: String(asked) }, model, name) })),
  )
  const methods = cells.slice(0, names.length).map(({ task }) => task.method)
  const inputs = await loadInputs(file, path, model, flags, methods)
  const { data } = inputs
  // What does not fit is refused before the first is pruned.
  for (const { task } of cells) await planOf(task, { data: { name: data.name, samples: data.train.count } })
  // Threads that wait for each other say more of what else the processor does than of small networks.
  const machine = await openMachine({ threads: 1 })
  const display = flags.json ? undefined : new PruneDisplay()
  const rows: (GridRow | FailedRow)[] = []
  let dense: Grid['dense'] | undefined
  const found = (): Grid => ({ methods: names, sparsities, dense: dense!, rows })
  const json = (): object => ({
    model: model.name,
    dataset: flags.data,
    ...preprocessingJson(inputs),
    engine: machine.description,
    sparsities,
    dense,
    results: rows,
    front: dense && frontOf(found()).map(({ method, asked }) => ({ method, asked })),
    warning: dense && !isDistance(dense) ? chanceWarning(dense, model) : undefined,
    warnings: warningsOf(rows),
  })
  /** Ctrl-C prints what there is. */
  const keepWords = () => {
    const done = `${rows.length} of ${cells.length} were measured, and ${leftBehind(flags)}`
    const table = () => (display ? gridTables(found()).join('\n\n') : JSON.stringify(json()))
    return lastWords(rows.length === 0 ? leftBehind(flags) : `${done}\n\n${table()}`)
  }
  try {
    if (display) for (const line of preprocessingLines(inputs, model)) print(line)
    if (!keepWords()) display?.hint('Ctrl-C ends this at once: what was measured until then is printed as it comes')
    const started = performance.now()
    for (const [i, cell] of cells.entries()) {
      const { task, asked } = cell
      const called = `${task.name} at ${shareText(asked)}`
      const shown = display && {
        line: (text: string) => display.line(text),
        show: (phase: string, text: string, share?: number) => display.show(`${called}: ${phase}`, text, share),
      }
      const prepared = await prepare(file, path, { flags, task, inputs, metric, display: shown, moves: true })
      const time = (network: Network) => timeOf(machine, network, file, path)
      dense ??= await denseOf(prepared.network, metric, time)
      const row = await pruned(cell, prepared, dense, time)
      rows.push(row)
      keepWords()
      const left = timeLeft(rows, cells, (performance.now() - started) / 1000)
      const rest = i + 1 < cells.length ? `; ${i + 1} of ${cells.length}, ${clock(left)} left` : ''
      display?.line(`${called}: ${said(row)}${rest}`)
    }
    lastWords()
    const front = found()
    await draw?.(pictureOf(front))
    if (!display) return printJson(json())
    display.stop()
    for (const line of report(front)) print(line)
    if (flags.picture !== undefined) print(`The curves are in ${flags.picture}`)
    const warning = isDistance(dense!) ? undefined : chanceWarning(dense!, model)
    for (const line of [guessWarning(inputs), warning, ...warningsOf(rows)]) if (line) print(line)
  } finally {
    lastWords()
    display?.stop()
  }
}

type Time = (network: Network) => Promise<number>

async function denseOf(network: Network, metric: Metric | undefined, time: Time): Promise<Grid['dense']> {
  return { ...measured(network, metric), milliseconds: await time(network) }
}

/** Prunes a network and says how good it is then; what a method says that it cannot do is said, too. */
async function pruned(
  { asked, task }: Cell,
  prepared: Prepared,
  dense: Measured,
  time: Time,
): Promise<GridRow | FailedRow> {
  const started = performance.now()
  const secondsSince = () => (performance.now() - started) / 1000
  try {
    const outcome = prepared.run()
    const seconds = secondsSince()
    const { row, counts, guessing } = judged(task, prepared, outcome, dense)
    const { name, method, request } = task
    const { statistics, polish, moved } = outcome
    const starved = starvations({
      name,
      method,
      settings: prepared.settings,
      model: request.model,
      layers: counts.layers,
      result: outcome,
      moved,
      nameOf: settingFlag,
    })
    return {
      asked,
      ...row,
      milliseconds: await time(prepared.network),
      seconds,
      refreshed: statistics?.taken,
      polished: polish?.rounds ?? 0,
      moved,
      warnings: [...(guessing ? [guessing.replace(/^warning: /, '')] : []), ...starved],
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { asked, method: task.name, failed: error.message, seconds: secondsSince() }
  }
}

/** Milliseconds of one image, zeros skipped where that pays. */
async function timeOf(machine: Machine, network: Network, file: WeightsFile, source: string): Promise<number> {
  const { model } = network
  const tensors = new Map([...file.tensors, ...weightsOf(network).tensors])
  const options = { machine, model: file.onnx ? undefined : model.name, source }
  const [least] = await leastInTurns([runOf(new SparseModel({ ...file, tensors }, options), 1)])
  return least
}

/** Seconds, by what each method took so far, or of one that has not run, all of them. */
function timeLeft(rows: Grid['rows'], cells: readonly Cell[], elapsed: number): number {
  const each = (name: string) => {
    const own = rows.filter(({ method }) => method === name)
    const seconds = (some: Grid['rows']) => some.reduce((sum, row) => sum + row.seconds, 0) / some.length
    return seconds(own.length > 0 ? own : rows)
  }
  const done = rows.reduce((sum, { seconds }) => sum + seconds, 0)
  // Networks are made and judged, too.
  const beside = (elapsed - done) / rows.length
  return cells.slice(rows.length).reduce((sum, { task }) => sum + each(task.name) + beside, 0)
}

const said = (row: GridRow | FailedRow): string =>
  isFailed(row)
    ? `failed, ${row.failed}`
    : `${row.accuracy === undefined ? `distance ${row.loss.toFixed(4)}` : `test accuracy ${percent(row.accuracy)}`}, ${row.milliseconds.toPrecision(3)} ms, ${clock(row.seconds)}`

/** Every sentence about a method once, with the sparsities that it is about. */
function warningsOf(rows: Grid['rows']): string[] {
  const about = new Map<string, { method: string; text: string; at: string[] }>()
  for (const row of rows)
    for (const text of isFailed(row) ? [`failed: ${row.failed}`] : row.warnings) {
      const key = `${row.method} ${text}`
      const one = about.get(key) ?? { method: row.method, text, at: [] }
      one.at.push(shareText(row.asked))
      about.set(key, one)
    }
  return [...about.values()].map(({ method, text, at }) => `warning: ${method} at ${at.join(', ')}: ${text}`)
}

function* report(grid: Grid): Generator<string> {
  const { dense, rows } = grid
  const done = rows.find((row): row is GridRow => !isFailed(row))
  const adds = done ? `, ${grouped(done.multiplyAdds.dense)} multiply-adds in the pruned tensors` : ''
  yield `\ndense: ${isDistance(dense) ? '' : `${measuredText(dense)}, `}${dense.milliseconds.toPrecision(3)} ms${adds}`
  const expendable = ['polished', 'images', 'time', 'new statistics', ...grid.sparsities.map(shareText)]
  for (const table of gridTables(grid)) yield `\n${fitting(table, expendable)}`
  yield `\n${SAYS}${isDistance(dense) ? `; ${DISTANCES}` : ''}`
}

const pictureOf = ({ sparsities, dense, rows }: Grid) => {
  const judgedBy = isDistance(dense) ? 'distance' : 'accuracy'
  const worthOf = (one: { accuracy?: number; loss: number }) =>
    judgedBy === 'distance' ? one.loss : 100 * (one.accuracy ?? Number.NaN)
  const points = rows.flatMap((row) => {
    if (isFailed(row)) return []
    const { method, sparsity, milliseconds } = row
    return [{ method, sparsity, milliseconds, value: worthOf(row) }]
  })
  return methodsPicture({
    sparsities,
    points,
    dense: { milliseconds: dense.milliseconds, value: worthOf(dense) },
    judged: judgedBy,
  })
}
