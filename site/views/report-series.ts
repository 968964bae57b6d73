/** @file The lines of a report's charts: one colour for each method, the same in all of them. */
import type { GroupView, ReportView } from '../../src/report/view.ts'
import { type Point, type Series, shadesOf } from './series.ts'

/** What the lines of a report are called, in order. */
const namesOf = (groups: readonly GroupView[]): string[] => [...new Set(groups.map(({ series }) => series))]

/** Test accuracy over the share of weights left, a line for each method with its settings. */
export function accuracySeries({ groups }: ReportView): Series[] {
  return namesOf(groups).map((name, index) => {
    const own = groups.filter(({ series, density, accuracy }) => series === name && density !== undefined && accuracy)
    const points = own
      .map(({ density, accuracy }): Point => {
        const { mean, deviation = 0 } = accuracy!
        return { x: density!, y: mean, low: mean - deviation, high: mean + deviation }
      })
      .sort((a, b) => b.x - a.x)
    const beside = own.flatMap(({ density, published }) => published.map((y) => ({ x: density!, y })))
    return { name, group: name, index, shade: 1, points, beside }
  })
}

/** A figure of every epoch, a line for each group; those of a method differ by their shade. */
export function epochSeries({ groups }: ReportView, of: (group: GroupView) => readonly (number | null)[]): Series[] {
  const names = namesOf(groups)
  const shades = new Map(
    names.flatMap((name) => {
      const own = groups.filter(({ series }) => series === name)
      const found = shadesOf(own.map(({ asked }) => asked))
      return own.map((group, i) => [group, found[i]] as const)
    }),
  )
  return groups.flatMap((group): Series[] => {
    const points = of(group).flatMap((y, i): Point[] => (y === null ? [] : [{ x: i + 1, y }]))
    if (points.length === 0) return []
    const { label, series } = group
    return [{ name: label, group: series, index: names.indexOf(series), shade: shades.get(group)!, points }]
  })
}
