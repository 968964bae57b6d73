/** @file Optimizer steps. */
import { sizeOf } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { sgd } from '../kernels/optimizer.ts'
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
}
