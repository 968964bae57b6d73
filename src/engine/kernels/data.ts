/**
 * @file Batches from a data set in the arena (kernels/data.c). An index outside the data set reads sample 0.
 */
import type { Kernel } from '../kernel.ts'

const safeIndex = (value: number, count: number) => (value >= 0 && value < count ? Math.trunc(value) : 0)

/** y[channel][pixel][sample] = scale[channel] byte + shift[channel], of image index[sample]. */
export const loadImages: Kernel<'batch' | 'count' | 'channels' | 'plane' | 'data' | 'index' | 'scale' | 'shift' | 'y'> =
  {
    name: 'load_images',
    parameters: ['batch', 'count', 'channels', 'plane', 'data', 'index', 'scale', 'shift', 'y'],
    extents: (p) => {
      if (p.count < 1) throw new Error('an empty data set')
      return [
        { offset: p.data, length: Math.ceil((p.count * p.channels * p.plane) / 4) },
        { offset: p.index, length: p.batch },
        { offset: p.scale, length: p.channels },
        { offset: p.shift, length: p.channels },
        { offset: p.y, length: p.batch * p.channels * p.plane },
      ]
    },
    reference: (p, { floats, bytes }) => {
      const features = p.channels * p.plane
      for (let f = 0; f < features; f++) {
        const channel = Math.floor(f / p.plane)
        for (let i = 0; i < p.batch; i++) {
          const byte = bytes[p.data * 4 + safeIndex(floats[p.index + i], p.count) * features + f]
          floats[p.y + f * p.batch + i] = byte * floats[p.scale + channel] + floats[p.shift + channel]
        }
      }
    },
  }

/**
 * Where row or column i of a padded and shifted image is in the image of n: outside -1, or mirrored without
 * repeating the edge.
 */
function paddedPlace(i: number, n: number, reflect: number): number {
  if (i >= 0 && i < n) return i
  if (!reflect) return -1
  const mirrored = i < 0 ? -i : 2 * (n - 1) - i
  return Math.min(Math.max(mirrored, 0), n - 1)
}

/**
 * What `change` of {@link loadAugmented} holds: the crop's first row and column (0 to 2 pad), and whether
 * columns run backwards.
 */
export const CHANGE = { top: 0, left: 1, flip: 2 } as const
const CHANGES = Object.keys(CHANGE).length

/**
 * As {@link loadImages}, cropped from the image padded by `pad` (byte 0, or a reflection) and flipped: see
 * {@link CHANGE}; `change` lies [code][sample].
 */
export const loadAugmented: Kernel<
  'batch' | 'count' | 'channels' | 'h' | 'w' | 'pad' | 'reflect' | 'data' | 'index' | 'change' | 'scale' | 'shift' | 'y'
> = {
  name: 'load_augmented',
  parameters: [
    'batch',
    'count',
    'channels',
    'h',
    'w',
    'pad',
    'reflect',
    'data',
    'index',
    'change',
    'scale',
    'shift',
    'y',
  ],
  extents: (p) => {
    if (p.count < 1) throw new Error('an empty data set')
    return [
      { offset: p.data, length: Math.ceil((p.count * p.channels * p.h * p.w) / 4) },
      { offset: p.index, length: p.batch },
      { offset: p.change, length: CHANGES * p.batch },
      { offset: p.scale, length: p.channels },
      { offset: p.shift, length: p.channels },
      { offset: p.y, length: p.batch * p.channels * p.h * p.w },
    ]
  },
  reference: (p, { floats, bytes }) => {
    for (let i = 0; i < p.batch; i++) {
      const image = p.data * 4 + safeIndex(floats[p.index + i], p.count) * p.channels * p.h * p.w
      const change = (code: number) => floats[p.change + code * p.batch + i]
      const top = safeIndex(change(CHANGE.top), 2 * p.pad + 1) - p.pad
      const left = safeIndex(change(CHANGE.left), 2 * p.pad + 1) - p.pad
      const flip = change(CHANGE.flip) !== 0
      for (let c = 0; c < p.channels; c++)
        for (let row = 0; row < p.h; row++)
          for (let col = 0; col < p.w; col++) {
            const fromRow = paddedPlace(row + top, p.h, p.reflect)
            const fromCol = paddedPlace((flip ? p.w - 1 - col : col) + left, p.w, p.reflect)
            const byte = fromRow < 0 || fromCol < 0 ? 0 : bytes[image + (c * p.h + fromRow) * p.w + fromCol]
            floats[p.y + ((c * p.h + row) * p.w + col) * p.batch + i] = byte * floats[p.scale + c] + floats[p.shift + c]
          }
    }
  },
}

/** y[feature][sample] = data[index[sample]][feature]. */
export const loadFloats: Kernel<'batch' | 'count' | 'features' | 'data' | 'index' | 'y'> = {
  name: 'load_floats',
  parameters: ['batch', 'count', 'features', 'data', 'index', 'y'],
  extents: (p) => {
    if (p.count < 1) throw new Error('an empty data set')
    return [
      { offset: p.data, length: p.count * p.features },
      { offset: p.index, length: p.batch },
      { offset: p.y, length: p.batch * p.features },
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.batch; i++) {
      const row = p.data + safeIndex(floats[p.index + i], p.count) * p.features
      for (let f = 0; f < p.features; f++) floats[p.y + f * p.batch + i] = floats[row + f]
    }
  },
}
