/** @file Windows over maps [N, H, W, C], and the padding that they need. */
import type { Shape, Tensor } from '../../../graph/tensor.ts'
import { CHANNELS_LAST, shapeIn } from '../order.ts'
import { type AxisWindows, paddingOf } from '../padding.ts'
import { PADDINGS } from '../schema.ts'
import type { Lying, Translation } from '../translation.ts'

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
 * `value` (0, or less than everything), where neither SAME nor VALID is what the windows have, or SAME is not
 * wanted. Where `whole` says so, codes stay codes.
 */
export function paddedFor(
  to: Translation,
  x: Tensor,
  windows: readonly AxisWindows[],
  value: number,
  { same = true, whole = false } = {},
) {
  const lies = whole ? to.lying(x, CHANNELS_LAST) : { index: to.input(x, CHANNELS_LAST) }
  const padding = paddingOf(windows)
  if (padding === 'VALID' || (padding && same)) return { ...lies, padding: PADDINGS[padding], padded: false }
  return { ...padded(to, x, lies, windows, value), padding: PADDINGS.VALID, padded: true }
}

function padded(
  to: Translation,
  x: Tensor,
  { index, grid }: Lying,
  [rows, columns]: readonly AxisWindows[],
  value: number,
): Lying {
  const [n, height, width, c] = shapeIn(x.shape, CHANNELS_LAST)
  const sizes = [n, rows.before + height + rows.after, columns.before + width + columns.after, c]
  const borders = to.file.integers([0, 0, rows.before, rows.after, columns.before, columns.after, 0, 0], [4, 2])
  const result = to.between(`${x.name} (padded)`, sizes, grid)
  if (value === 0) return { index: to.file.apply('PAD', [index, borders], result, {}, grid ? 2 : 1), grid }
  const least = grid
    ? to.file.add({ ...to.file.tensors[result], name: 'padding', shape: [], data: Uint8Array.of(0x80) })
    : to.store('padding', [], Float32Array.of(value))
  return { index: to.file.apply('PADV2', [index, borders, least], result, {}, grid ? 2 : 1), grid }
}
