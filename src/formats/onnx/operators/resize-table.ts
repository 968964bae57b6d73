/**
 * @file One axis of a Resize as a sparse matrix (ONNX Resize 10 to 19): which places of the input every place
 * of the output is made of, with which weights.
 */
import { type Table, tableOf } from '../../../graph/operators/resample.ts'

export interface AxisResize {
  /** Sizes of the axis before and after. */
  from: number
  to: number
  /** Size after over size before, as asked for. */
  scale: number
  /** Begin and end of the part that is resized, of 1 (tf_crop_and_resize). */
  crop?: readonly [number, number]
}

export interface ResizeMode {
  mode: 'nearest' | 'linear' | 'cubic'
  /** How places of the output become places of the input. */
  coordinates: string
  /** How those are rounded (nearest). `simple` is that of opset 10. */
  nearest: string
  /** The coefficient a of the cubic. */
  cubic: number
  /** Places outside of the input have no weight, rather than the values of its edge. */
  excludeOutside: boolean
  /** Where the axis shrinks, the interpolation is as much wider. */
  antialias: boolean
}

const { fround } = Math

/**
 * The coordinate in the input of place i of the output; undefined for a transformation that is not ONNX's.
 */
export function coordinate(i: number, { from, to, scale, crop = [0, 1] }: AxisResize, how: string): number | undefined {
  // In single precision, as runtimes compute: what is rounded to a place must not depend on digits beyond it.
  const half = () => fround(fround((i + 0.5) / fround(scale)) - 0.5)
  // ONNX takes the size after as it is before it is rounded down.
  const whole = scale * from
  switch (how) {
    case 'half_pixel':
    case 'tf_half_pixel_for_nn':
      return how === 'half_pixel' ? half() : fround((i + 0.5) / fround(scale))
    case 'pytorch_half_pixel':
      return whole === 1 ? 0 : half()
    case 'align_corners':
      return whole === 1 ? 0 : fround(fround(i * (from - 1)) / fround(whole - 1))
    case 'asymmetric':
      return fround(i / fround(scale))
    case 'half_pixel_symmetric': {
      const adjusted = to / whole
      return fround((from / 2) * (1 - adjusted) + half())
    }
    case 'tf_crop_and_resize': {
      const [begin, end] = crop
      return fround(
        whole === 1
          ? 0.5 * (begin + end) * (from - 1)
          : begin * (from - 1) + (i * (end - begin) * (from - 1)) / (whole - 1),
      )
    }
    default:
      return undefined
  }
}

/** The place that a coordinate is rounded to; undefined for a rounding that is not ONNX's. */
export function rounded(x: number, how: string, scale: number): number | undefined {
  switch (how) {
    case 'round_prefer_floor':
      return Math.ceil(x - 0.5)
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5)
    case 'floor':
      return Math.floor(x)
    case 'ceil':
      return Math.ceil(x)
    case 'simple':
      return scale < 1 ? Math.ceil(x) : Math.trunc(x)
    default:
      return undefined
  }
}

/** How much a place at a distance counts: a triangle, or Keys' cubic (1981). */
function weightAt(distance: number, { mode, cubic: a }: ResizeMode): number {
  const d = Math.abs(distance)
  if (mode === 'linear') return Math.max(0, 1 - d)
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
}

/** The table of one axis. Places whose coordinate is outside of the input (tf_crop_and_resize) have none. */
export function resizeTable(axis: AxisResize, how: ResizeMode): { table: Table; outside: boolean[] } {
  const { from, to, scale } = axis
  const crops = how.coordinates === 'tf_crop_and_resize'
  const points = Array.from({ length: to }, (_, i) => coordinate(i, axis, how.coordinates)!)
  const outside = points.map((x) => crops && (x < 0 || x > from - 1))
  const rows = points.map((x, i) => (outside[i] ? [] : weightsOf(x, from, scale, how)))
  return { table: tableOf(from, rows), outside }
}

function weightsOf(x: number, from: number, scale: number, how: ResizeMode): [number, number][] {
  const edge = (place: number) => Math.min(Math.max(place, 0), from - 1)
  if (how.mode === 'nearest') return [[edge(rounded(x, how.nearest, scale)!), 1]]
  const narrow = how.antialias ? Math.min(scale, 1) : 1
  const support = (how.mode === 'linear' ? 1 : 2) / narrow
  const [first, last] = [Math.ceil(x - support), Math.floor(x + support)]
  const weights = new Map<number, number>()
  let total = 0
  for (let place = first; place <= last; place++) {
    const weight = weightAt((place - x) * narrow, how)
    if (weight === 0 || (how.excludeOutside && edge(place) !== place)) continue
    total += weight
    weights.set(edge(place), (weights.get(edge(place)) ?? 0) + weight)
  }
  const normalized = how.excludeOutside || how.antialias
  return [...weights].map(([place, weight]) => [place, normalized ? weight / total : weight])
}
