/**
 * @file Draws curves over epochs, one line per group, which are means over seeds. Pictures of the course of a
 * training consist of them.
 */
import type { EpochReport } from '../../experiment/run/events.ts'
import { labelOf, type RunGroup, seriesOf } from '../groups.ts'
import type { Picture } from './draw.ts'
import { palette } from './theme.ts'

/** The most groups that are named one by one; where there are more, those of a series share its name. */
const MOST_NAMED = 10

/** A chart: its axis, and the figure of every epoch, undefined where an epoch has none. */
export interface Curve {
  of(epoch: Partial<EpochReport>): number | undefined
  title: string
  scale: object
}

/**
 * Draws charts side by side, of points whose fields have the names of the curves. Undefined where no run has
 * two epochs.
 */
export function curvesOf(groups: readonly RunGroup[], curves: Record<string, Curve>): Picture['spec'] | undefined {
  const values = pointsOf(groups, Object.entries(curves))
  if (!values.some(({ epoch }) => epoch > 1)) return undefined
  const names = [...new Set(values.map(({ name }) => name))]
  const charts = Object.entries(curves).map(([field, { title, scale }]) => chart(names, field, title, scale))
  return { data: { values }, hconcat: charts }
}

/** The points of all curves; a figure is `null` where no seed has it in that epoch. */
function pointsOf(groups: readonly RunGroup[], curves: readonly [string, Curve][]) {
  const named = groups.length <= MOST_NAMED ? labelOf : seriesOf
  return groups.flatMap((group, i) => {
    const means = curves.map(([field, { of }]) => [field, byEpoch(group.runs, of)] as const)
    return Array.from({ length: epochsOf(group.runs) }, (_, at) => {
      const figures = Object.fromEntries(means.map(([field, values]) => [field, values[at]]))
      return { group: i, name: named(group), epoch: at + 1, ...figures }
    })
  })
}

const epochsOf = (runs: RunGroup['runs']): number => Math.max(...runs.map(({ epochs }) => epochs.length))

/** Means over runs of a figure after each epoch; `null` where no run has it. */
export const byEpoch = (runs: RunGroup['runs'], of: Curve['of']): (number | null)[] =>
  Array.from({ length: epochsOf(runs) }, (_, at) => mean(runs.flatMap(({ epochs }) => of(epochs[at] ?? {}) ?? [])))

const mean = (values: readonly number[]) =>
  values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null

/** The lines of one field, with a legend below. */
function chart(names: readonly string[], field: string, title: string, scale: object) {
  return {
    width: 400,
    height: 260,
    // Epochs that were not evaluated do not break a line.
    transform: [{ filter: { field, valid: true } }],
    mark: { type: 'line' as const, strokeWidth: 1.5, interpolate: 'monotone' as const },
    encoding: {
      x: { field: 'epoch', type: 'quantitative' as const, axis: { title: 'epoch', grid: false, tickMinStep: 1 } },
      y: { field, type: 'quantitative' as const, scale, axis: { title } },
      color: {
        field: 'name',
        type: 'nominal' as const,
        legend: { orient: 'bottom' as const, columns: legendColumns(names) },
        scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
      },
      detail: { field: 'group', type: 'nominal' as const },
    },
  }
}

/** The number of columns of a legend: as many as fit below two charts. */
const legendColumns = (names: readonly string[]): number =>
  Math.max(1, Math.floor(100 / (6 + Math.max(...names.map(({ length }) => length)))))
