/**
 * @file Draws what several methods make of a network at several sparsities: a curve of each over sparsity,
 * and over latency, with the dense network and the front of those that no other one beats.
 */
import { onFront } from '../pareto.ts'
import { densityScale, PERCENT, shapesOf } from './accuracy.ts'
import type { Picture } from './draw.ts'
import { palette, soft, text } from './theme.ts'

/** A network that a method left. */
export interface MethodPoint {
  method: string
  /** Share of zeros that it has. */
  sparsity: number
  milliseconds: number
  /** Percent of the test samples that are told right, or the distance from the dense network. */
  value: number
}

export interface MethodCurves {
  /** That were asked for. */
  sparsities: readonly number[]
  points: readonly MethodPoint[]
  dense: Pick<MethodPoint, 'milliseconds' | 'value'>
  /** Whether values are accuracies, of which more is better, or distances. */
  judged: 'accuracy' | 'distance'
}

/** Room for a phone: 390 pixels with axes. */
const WIDTH = 300
const HEIGHT = 230

/** Points that are not numbers, as those of a network that was destroyed, are left out. */
export function methodsPicture({ sparsities, points, dense, judged }: MethodCurves): Picture {
  const drawn = points.filter(({ value }) => Number.isFinite(value))
  const sign = judged === 'accuracy' ? 1 : -1
  const front = onFront(
    [dense, ...drawn].map(({ milliseconds, value }) => ({ cost: milliseconds, worth: sign * value })),
  )
  const values = drawn.map((point, i) => ({
    ...point,
    density: Math.max(1 - point.sparsity, 1e-5),
    front: front[i + 1],
  }))
  const methods = [...new Set(points.map(({ method }) => method))]
  const legend = { orient: 'bottom' as const, columns: 2 }
  const by = {
    color: {
      field: 'method',
      type: 'nominal' as const,
      legend,
      scale: { domain: methods, range: methods.map((_, i) => palette[i % palette.length]) },
    },
    shape: { field: 'method', type: 'nominal' as const, legend, scale: { domain: methods, range: shapesOf(methods) } },
  }
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    scale: judged === 'accuracy' ? { zero: false } : { type: 'symlog' as const, constant: 0.01 },
    axis: { title: judged === 'accuracy' ? 'test accuracy, %' : 'distance from the dense network', tickCount: 6 },
  }
  const denseLine = (x: object) => [
    {
      data: { values: [dense] },
      mark: { type: 'rule' as const, color: soft, strokeDash: [4, 3], strokeWidth: 1.5 },
      encoding: { y },
    },
    {
      data: { values: [dense] },
      mark: { type: 'text' as const, text: 'dense', fontSize: 11, dy: -8, align: 'right' as const },
      encoding: { y, x },
    },
  ]
  const chart = (title: string, x: object, labelAt: object, more: object[]) => ({
    title,
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...denseLine(labelAt),
      ...more,
      {
        mark: { type: 'line' as const, strokeWidth: 2 },
        encoding: { x, y, color: by.color, order: { field: 'sparsity' } },
      },
      { mark: { type: 'point' as const, filled: true, size: 60, opacity: 1 }, encoding: { x, y, ...by } },
      {
        transform: [{ filter: 'datum.front' }],
        mark: { type: 'point' as const, shape: 'circle', filled: false, size: 210, color: text, strokeWidth: 1.3 },
        encoding: { x, y },
      },
    ],
  })
  const densities = values.map(({ density }) => density)
  const bySparsity = {
    field: 'density',
    type: 'quantitative' as const,
    scale: densityScale(densities),
    axis: { title: 'zeros', values: sparsities.map((share) => 1 - share), labelExpr: PERCENT, labelOverlap: true },
  }
  const byTime = {
    field: 'milliseconds',
    type: 'quantitative' as const,
    scale: { zero: false, nice: true },
    axis: { title: 'milliseconds of one image', tickCount: 5 },
  }
  const frontLine = {
    data: { values: [...(front[0] ? [dense] : []), ...values.filter((point) => point.front)] },
    mark: {
      type: 'line' as const,
      color: soft,
      strokeWidth: 1,
      strokeDash: [2, 3],
      interpolate: 'step-after' as const,
    },
    encoding: { x: byTime, y, order: { field: 'milliseconds' } },
  }
  const denseDot = {
    data: { values: [dense] },
    mark: { type: 'point' as const, shape: 'cross', filled: true, size: 70, color: soft, opacity: 1 },
    encoding: { x: byTime, y },
  }
  const spec = {
    data: { values },
    spacing: 24,
    vconcat: [
      chart('Over sparsity', bySparsity, { value: WIDTH }, []),
      chart('Over latency', byTime, { value: WIDTH }, [frontLine, denseDot]),
    ],
  }
  return {
    name: 'methods',
    title: 'Methods over sparsity and latency',
    caption:
      'A curve for each method; the dashed line is the dense network. Circles are the Pareto front: no other network here is as good and as fast.',
    spec: spec as unknown as Picture['spec'],
  }
}
