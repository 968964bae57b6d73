/** @file Batches read from a data set. */
import { sizeOf } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { loadImages, loadLabels } from '../kernels/data.ts'
import type { Lowering } from '../lowering.ts'

export const batch: Record<string, Lowering> = {
  LoadImages: {
    emit: ({ inputs: [data, index, scale, shift], outputs: [y] }, at) => {
      const [count, channels, ...plane] = data.shape
      return [
        call(loadImages, {
          ...{ batch: index.shape[0], count, channels, plane: sizeOf(plane), data: at(data), index: at(index) },
          ...{ scale: at(scale), shift: at(shift), y: at(y) },
        }),
      ]
    },
  },
  LoadLabels: {
    emit: ({ inputs: [labels, index], outputs: [y] }, at) => [
      call(loadLabels, {
        ...{ batch: index.shape[0], count: labels.shape[0], labels: at(labels), index: at(index), y: at(y) },
      }),
    ],
  },
}
