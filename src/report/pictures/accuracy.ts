/** @file Test accuracy by sparsity, with deviations over seeds and the published figures beside them. */
import { publishedFor } from '../../experiment/recipe/sections/about.ts'
import { type RunGroup, seriesOf } from '../groups.ts'
import { accuracyOf, sparsityOf, spreadOf } from '../groups-table.ts'
import type { Picture } from './draw.ts'
import { palette, shapes } from './theme.ts'

interface Point {
  series: string
  /** The share of weights left, whose logarithm spreads what is close to 100 % sparse. */
  density: number
  accuracy: number
  low: number
  high: number
}

/** The picture; undefined where there are not two points to compare. */
export function accuracyPicture(groups: readonly RunGroup[]): Picture | undefined {
  const points = groups.flatMap((group): Point[] => {
    const [accuracy, sparsity] = [spreadOf(group.runs, accuracyOf), spreadOf(group.runs, sparsityOf)]
    if (!accuracy || !sparsity) return []
    const { mean, deviation = 0 } = accuracy
    const range = { accuracy: mean, low: mean - deviation, high: mean + deviation }
    return [{ series: seriesOf(group), density: Math.max(1 - sparsity.mean, 1e-5), ...range }]
  })
  if (points.length < 2) return undefined
  const published = groups.flatMap((group) => {
    const sparsity = spreadOf(group.runs, sparsityOf)
    return publishedFor(group.runs[0].recipe).flatMap(({ value }) =>
      sparsity ? [{ series: seriesOf(group), density: Math.max(1 - sparsity.mean, 1e-5), accuracy: value }] : [],
    )
  })
  const series = [...new Set(points.map((point) => point.series))]
  const scale = { domain: series, range: series.map((_, i) => palette[i % palette.length]) }
  const densities = points.map(({ density }) => density)
  const x = {
    field: 'density',
    type: 'quantitative' as const,
    scale: densityScale(densities),
    axis: {
      title: 'sparsity among prunable weights',
      values: ticks(densities),
      labelExpr: PERCENT,
      labelOverlap: true,
    },
  }
  const y = (field: string) => ({
    field,
    type: 'quantitative' as const,
    scale: { zero: false },
    axis: { title: 'test accuracy, %' },
  })
  const color = { field: 'series', type: 'nominal' as const, scale }
  const shape = { field: 'series', type: 'nominal' as const, scale: { domain: series, range: shapesOf(series) } }
  return {
    name: 'accuracy',
    title: 'Accuracy and sparsity',
    caption: `Mean test accuracy over seeds; bars are one standard deviation.${published.length > 0 ? ' Hollow circles are published figures.' : ''}`,
    spec: {
      width: 760,
      height: 340,
      data: { values: points },
      layer: [
        { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y: y('accuracy'), color } },
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x, y: y('low'), y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'point', filled: true, size: 70, opacity: 1 },
          encoding: { x, y: y('accuracy'), color, shape },
        },
        {
          data: { values: published },
          mark: { type: 'point', filled: false, size: 130, strokeWidth: 1.5, shape: 'circle' },
          encoding: { x, y: y('accuracy'), color },
        },
      ],
    },
  }
}

/** The expression that writes a share of weights left as the sparsity that it is. */
export const PERCENT = "round(1e5 * (1 - datum.value)) / 1e3 + ' %'"

/** A shape for each series, so that they differ by more than colour. */
export const shapesOf = (series: readonly string[]) => series.map((_, i) => shapes[i % shapes.length])

/** A scale of shares of weights left that spreads what is close to 100 % sparse, sparser to the right. */
export const densityScale = (densities: readonly number[]) => ({
  type: 'log' as const,
  reverse: true,
  nice: false,
  domain: padded(densities),
})

/** The range of the densities with a little room on both sides, also where there is but one density. */
function padded(densities: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...densities), Math.max(...densities)]
  const room = Math.max((high / low) ** 0.06, 1.05)
  return [low / room, high * room]
}

/** The sparsities that an axis may name. */
const USUAL = [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999]

function ticks(densities: readonly number[]): number[] {
  const [low, high] = padded(densities)
  return USUAL.map((sparsity) => 1 - sparsity).filter((density) => density >= low && density <= high)
}
