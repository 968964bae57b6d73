/**
 * @file Padding of windows: TensorFlow Lite's operators know none (VALID) and as much as makes the output
 * ceil(size / stride) long, the odd place at the end (SAME). Any other is an operator of its own before them.
 */
import type { Padding } from './schema.ts'

/** The windows along an axis. */
export interface AxisWindows {
  /** Places of the input. */
  size: number
  /** Places from the first to the last that a window reads, both included. */
  reach: number
  stride: number
  before: number
  after: number
  /** Windows. */
  count: number
}

/** The padding that gives the same windows along both axes; undefined where it has to be done apart. */
export function paddingOf(axes: readonly AxisWindows[]): Padding | undefined {
  if (axes.every(needsNone)) return 'VALID'
  return axes.every(isSame) ? 'SAME' : undefined
}

/** Padding that no window reads does nothing. */
const needsNone = ({ size, reach, stride, before, count }: AxisWindows) =>
  before === 0 && (count - 1) * stride + reach <= size && count === Math.floor((size - reach) / stride) + 1

function isSame({ size, reach, stride, before, count }: AxisWindows): boolean {
  const all = Math.max(0, (count - 1) * stride + reach - size)
  return count === Math.ceil(size / stride) && before === Math.floor(all / 2)
}
