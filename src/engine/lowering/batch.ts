/** @file Batches read from a data set. */
import { sizeOf } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { loadAugmented, loadFloats, loadImages } from '../kernels/data.ts'
import type { Lowering } from '../lowering.ts'

export const batch: Record<string, Lowering> = {
  LoadImages: {
    emit: ({ inputs: [data, index, scale, shift], outputs: [y] }, at) => {
      const [count, channels, ...plane] = data.shape
      return [
        call(loadImages, {
          batch: index.shape[0],
          count,
          channels,
          plane: sizeOf(plane),
          data: at(data),
          index: at(index),
          scale: at(scale),
          shift: at(shift),
          y: at(y),
        }),
      ]
    },
  },
  LoadAugmented: {
    emit: ({ inputs: [data, index, change, scale, shift], outputs: [y], attributes }, at) => {
      const [count, channels, h, w] = data.shape
      return [
        call(loadAugmented, {
          batch: index.shape[0],
          count,
          channels,
          h,
          w,
          data: at(data),
          index: at(index),
          change: at(change),
          pad: attributes.pad as number,
          reflect: attributes.reflect as number,
          scale: at(scale),
          shift: at(shift),
          y: at(y),
        }),
      ]
    },
  },
  LoadFloats: {
    emit: ({ inputs: [data, index], outputs: [y] }, at) => [
      call(loadFloats, {
        batch: index.shape[0],
        count: data.shape[0],
        features: sizeOf(data.shape.slice(1)),
        data: at(data),
        index: at(index),
        y: at(y),
      }),
    ],
  },
}
