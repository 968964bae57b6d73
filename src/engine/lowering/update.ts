/** @file Optimizer steps. */
import { sizeOf } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { sgd, tieGradient } from '../kernels/optimizer.ts'
import type { Lowering } from '../lowering.ts'

export const update: Record<string, Lowering> = {
  SgdStep: {
    emit: ({ inputs: [w, g, v, hyper, mask] }, at) => [
      call(sgd, {
        ...{ n: sizeOf(w.shape), w: at(w), g: at(g), v: at(v), hyper: at(hyper) },
        ...{ mask: mask ? at(mask) : 0, masked: mask ? 1 : 0 },
      }),
    ],
  },
  TieGradient: {
    emit: ({ inputs: [g, order], outputs: [y], attributes }, at) => {
      const units = sizeOf(order.shape) / 4
      const entries = attributes.entries as number
      const sizes = { units, entries, block: sizeOf(g.shape) / units }
      return [call(tieGradient, { ...sizes, g: at(g), order: at(order), y: at(y), mean: attributes.mean ? 1 : 0 })]
    },
    inPlace: () => [0],
  },
}
