/** @file Batches from a data set in the arena (kernels/data.c). An index outside the data set reads sample 0. */
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

/** y[sample] = labels[index[sample]]. */
export const loadLabels: Kernel<'batch' | 'count' | 'labels' | 'index' | 'y'> = {
  name: 'load_labels',
  parameters: ['batch', 'count', 'labels', 'index', 'y'],
  extents: (p) => {
    if (p.count < 1) throw new Error('an empty data set')
    return [
      { offset: p.labels, length: p.count },
      { offset: p.index, length: p.batch },
      { offset: p.y, length: p.batch },
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.batch; i++) floats[p.y + i] = floats[p.labels + safeIndex(floats[p.index + i], p.count)]
  },
}
