/**
 * @file The points of a run as CSV: a row for each step, a column for each tag in the order of their
 * names, unrounded numbers; empty where nothing was recorded.
 */
import { toCsv } from '../report/formats/csv.ts'
import type { Point } from './scalars.ts'

export function pointsCsv(points: readonly Point[]): string {
  const tags = [...new Set(points.flatMap(({ values }) => [...values.keys()]))]
  tags.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const steps = [...new Set(points.map(({ step }) => step))]
  const rows = steps.map((step) => {
    const there = points.filter((point) => point.step === step)
    const values = new Map(there.flatMap((point) => [...point.values]))
    return [step, there[there.length - 1].time, ...tags.map((tag) => values.get(tag))]
  })
  return toCsv({ columns: ['step', 'wall_time', ...tags].map((name) => ({ name })), rows })
}
