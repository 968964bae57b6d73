/**
 * @file Resizing as Pillow and torchvision do it: bilinear with antialiasing, columns first, then rows, each
 * rounded to bytes. The weights of an output pixel are a triangle around its centre, as wide as the pixel is
 * in the source, and at least as wide as two pixels there; in whole numbers of 2^-22, as Pillow has them.
 */

/** Pixels of a picture, [height, width, channels] as they lie. */
export interface Pixels {
  height: number
  width: number
  channels: number
  data: Uint8Array
}

/** A part of a picture, in pixels. */
export interface Box {
  top: number
  left: number
  height: number
  width: number
}

const BITS = 22

/** For each of `to` pixels, made of `from`: the first source pixel, how many, and their weights. */
function weightsOf(
  from: number,
  to: number,
): { first: Int32Array; count: Int32Array; weights: Int32Array; most: number } {
  const scale = from / to
  const support = Math.max(scale, 1)
  const most = Math.ceil(support) * 2 + 1
  const [first, count, weights] = [new Int32Array(to), new Int32Array(to), new Int32Array(to * most)]
  const exact = new Float64Array(most)
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale
    first[i] = Math.max(Math.trunc(center - support + 0.5), 0)
    count[i] = Math.min(Math.trunc(center + support + 0.5), from) - first[i]
    let sum = 0
    for (let k = 0; k < count[i]; k++) {
      const distance = Math.abs((k + first[i] - center + 0.5) / support)
      exact[k] = Math.max(1 - distance, 0)
      sum += exact[k]
    }
    for (let k = 0; k < count[i]; k++) weights[i * most + k] = Math.trunc(0.5 + (exact[k] / sum) * 2 ** BITS)
  }
  return { first, count, weights, most }
}

/**
 * The pixels of a box, resized to `height` x `width`, as planes [channels, height, width]; of more than
 * `channels` the first ones, and of fewer the last one for all others.
 */
export function resampled(picture: Pixels, box: Box, height: number, width: number, channels = 3): Uint8Array {
  const { data, channels: stored, width: stride } = picture
  const columns = weightsOf(box.width, width)
  const rows = weightsOf(box.height, height)
  const planes = new Uint8Array(channels * height * width)
  const narrow = new Uint8Array(box.height * width)
  for (let c = 0; c < channels; c++) {
    if (c >= stored) {
      planes.copyWithin(c * height * width, (stored - 1) * height * width, stored * height * width)
      continue
    }
    for (let y = 0; y < box.height; y++) {
      const row = ((box.top + y) * stride + box.left) * stored + c
      for (let x = 0; x < width; x++) {
        let sum = 1 << (BITS - 1)
        const at = x * columns.most
        const from = row + columns.first[x] * stored
        for (let k = 0; k < columns.count[x]; k++) sum += data[from + k * stored] * columns.weights[at + k]
        narrow[y * width + x] = sum >> BITS
      }
    }
    for (let y = 0; y < height; y++) {
      const at = y * rows.most
      const to = (c * height + y) * width
      for (let x = 0; x < width; x++) {
        let sum = 1 << (BITS - 1)
        const from = rows.first[y] * width + x
        for (let k = 0; k < rows.count[y]; k++) sum += narrow[from + k * width] * rows.weights[at + k]
        planes[to + x] = sum >> BITS
      }
    }
  }
  return planes
}
