/** @file Windows over maps [N, H, W, C], and the padding that they need. */
import type { Shape, Tensor } from '../../../graph/tensor.ts'
import { CHANNELS_LAST, shapeIn } from '../order.ts'
import { type AxisWindows, paddingOf } from '../padding.ts'
import { PADDINGS } from '../schema.ts'
import type { Translation } from '../translation.ts'

interface Windows {
  /** Places from the first to the last that a window reads, by axis. */
  reach: readonly number[]
  strides: readonly number[]
  /** [top, left, bottom, right]. */
  pads: readonly number[]
}

/** The windows of rows and those of columns, between maps [N, C, H, W]. */
export const windowsOf = (x: Shape, y: Shape, { reach, strides, pads }: Windows): AxisWindows[] =>
  [0, 1].map((axis) => ({
    size: x[2 + axis],
    reach: reach[axis],
    stride: strides[axis],
    before: pads[axis],
    after: pads[2 + axis],
    count: y[2 + axis],
  }))

/**
 * A map, and the padding that an operator then has to be given: it is padded by an operator of its own, with
 * `value`, where neither SAME nor VALID is what the windows have, or SAME is not wanted.
 */
export function paddedFor(
  to: Translation,
  x: Tensor,
  windows: readonly AxisWindows[],
  value: number,
  { same = true } = {},
) {
  const input = to.input(x, CHANNELS_LAST)
  const padding = paddingOf(windows)
  if (padding === 'VALID' || (padding && same)) return { input, padding: PADDINGS[padding], padded: false }
  return { input: padded(to, x, windows, value), padding: PADDINGS.VALID, padded: true }
}

function padded(to: Translation, x: Tensor, [rows, columns]: readonly AxisWindows[], value: number): number {
  const [n, height, width, c] = shapeIn(x.shape, CHANNELS_LAST)
  const sizes = [n, rows.before + height + rows.after, columns.before + width + columns.after, c]
  const borders = to.file.integers([0, 0, rows.before, rows.after, columns.before, columns.after, 0, 0], [4, 2])
  const result = to.between(`${x.name} (padded)`, sizes)
  const input = to.input(x, CHANNELS_LAST)
  if (value === 0) return to.file.apply('PAD', [input, borders], result)
  return to.file.apply('PADV2', [input, borders, to.store('padding', [], Float32Array.of(value))], result)
}
