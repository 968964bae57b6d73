/** @file The figures before and after, as the page and its report say them. */
import { grouped, milliseconds, percent, size, times } from '../shared/format.ts'
import type { Format } from '../work/opened.ts'
import type { Outcome } from '../work/prune.ts'
import type { Facts } from './protocol.ts'

export const formatNames: Record<Format, string> = { onnx: 'ONNX', safetensors: 'safetensors' }

export interface FigureRow {
  name: string
  before: string
  after: string
  change: string
}

/** What is not known is left out. */
export function figuresOf(
  { before, after, weights, distances = [], samples = 0, runtime }: Outcome,
  { formats }: Pick<Facts, 'formats'>,
): FigureRow[] {
  const rows: (FigureRow | undefined)[] = [
    {
      name: 'Zeros',
      before: percent(before.zeros / weights),
      after: percent(after.zeros / weights),
      change: `of ${grouped(weights)} weights`,
    },
    both(before.accuracy, after.accuracy, (x, y) => ({
      name: 'Accuracy',
      before: percent(x, 2),
      after: percent(y, 2),
      change: `on ${grouped(samples)} samples; ${points(y - x)}`,
    })),
    ...distances.map(({ name, distance, unit }) => ({
      name: distances.length > 1 ? `Distance of ${name}` : 'Distance of outputs',
      before: '0',
      after: distance.toPrecision(3),
      change: unit === 'variance' ? 'in variances: 1 is as far as their mean' : 'in nats, between the probabilities',
    })),
    both(before.multiplyAdds, after.multiplyAdds, (x, y) => ({
      name: 'Multiply-adds',
      before: grouped(x),
      after: grouped(y),
      change: `${percent(y / x)} are left`,
    })),
    {
      name: `${formatNames[formats[0]]} file, compressed`,
      before: size(before.compressed),
      after: size(after.compressed),
      change: times(before.compressed, after.compressed, 'smaller', 'larger'),
    },
    both(before.milliseconds, after.milliseconds, (x, y) => timed('Time', x, y)),
    both(before.runtime, after.runtime, (x, y) => timed(`Time in ONNX Runtime Web ${runtime}`, x, y)),
  ]
  return rows.filter((row) => row !== undefined)
}

const both = (x: number | undefined, y: number | undefined, row: (x: number, y: number) => FigureRow) =>
  x === undefined || y === undefined ? undefined : row(x, y)

const timed = (name: string, x: number, y: number): FigureRow => ({
  name,
  before: milliseconds(x),
  after: milliseconds(y),
  change: times(x, y, 'faster', 'slower'),
})

const points = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(2)} points`
