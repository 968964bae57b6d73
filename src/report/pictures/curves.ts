/** @file Curves over epochs, one line per group: means over seeds. What pictures of a training's course are made of. */
import type { EpochReport } from '../../experiment/run-events.ts'
import { labelOf, type RunGroup, seriesOf } from '../groups.ts'
import { palette } from './theme.ts'

/** More groups than this are told apart by their series alone. */
const MOST_NAMED = 10

/** A figure of an epoch; undefined where it has none. */
export type Figure = (epoch: EpochReport) => number | undefined

/** Points of all groups, `null` where no seed has the figure of that epoch. */
export function curvePoints<Field extends string>(groups: readonly RunGroup[], figures: Record<Field, Figure>) {
  const named = groups.length <= MOST_NAMED ? labelOf : seriesOf
  return groups.flatMap((group, i) => {
    const length = Math.max(...group.runs.map(({ epochs }) => epochs.length))
    return Array.from({ length }, (_, at) => {
      const epochs = group.runs.flatMap((run) => run.epochs[at] ?? [])
      const means = Object.entries<Figure>(figures).map(([field, of]) => [
        field,
        mean(epochs.flatMap((e) => of(e) ?? [])),
      ])
      return {
        ...{ group: i, name: named(group), epoch: at + 1 },
        ...(Object.fromEntries(means) as Record<Field, number | null>),
      }
    })
  })
}

const mean = (values: readonly number[]) =>
  values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null

/** A chart of one field of the points of these names, with lines of its own and a legend below. */
export function curveChart(names: readonly string[], field: string, title: string, scale: object) {
  return {
    ...{ width: 400, height: 260 },
    mark: { type: 'line' as const, strokeWidth: 1.5, interpolate: 'monotone' as const },
    encoding: {
      x: { field: 'epoch', type: 'quantitative' as const, axis: { title: 'epoch', grid: false, tickMinStep: 1 } },
      y: { field, type: 'quantitative' as const, scale, axis: { title } },
      color: {
        ...{
          field: 'name',
          type: 'nominal' as const,
          legend: { orient: 'bottom' as const, columns: legendColumns(names) },
        },
        scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
      },
      detail: { field: 'group', type: 'nominal' as const },
    },
  }
}

/** As many as fit below two charts. */
const legendColumns = (names: readonly string[]): number =>
  Math.max(1, Math.floor(100 / (6 + Math.max(...names.map(({ length }) => length)))))
