/** @file Optimizer steps. */
import { type Shape, sizeOf } from '../../graph/tensor.ts'
import { floatBits } from '../bits.ts'
import { call } from '../kernel.ts'
import { factoredSgd, groupLasso, sgd, sparseGroupLasso, tieGradient } from '../kernels/optimizer.ts'
import type { Lowering } from '../lowering.ts'

export const update: Record<string, Lowering> = {
  SgdStep: {
    emit: ({ inputs: [w, g, v, hyper, mask] }, at) => [
      call(sgd, {
        n: sizeOf(w.shape),
        w: at(w),
        g: at(g),
        v: at(v),
        hyper: at(hyper),
        mask: mask ? at(mask) : 0,
        masked: mask ? 1 : 0,
      }),
    ],
  },
  FactoredSgdStep: {
    emit: ({ inputs: [w, g, uv, hyper, mask, m, mv, u] }, at) => [
      call(factoredSgd, {
        n: sizeOf(w.shape),
        w: at(w),
        g: at(g),
        m: at(m),
        mv: at(mv),
        u: at(u),
        uv: at(uv),
        mask: at(mask),
        hyper: at(hyper),
      }),
    ],
  },
  GroupLasso: {
    emit: ({ inputs: [g, w], outputs: [y], attributes }, at) => {
      const groups = w.shape[0] * w.shape[1]
      const lambda = floatBits(attributes.coefficient as number)
      return [call(groupLasso, { groups, block: sizeOf(w.shape) / groups, g: at(g), w: at(w), y: at(y), lambda })]
    },
    inPlace: () => [0],
  },
  SparseGroupLasso: {
    emit: ({ inputs: [g, w, starts, places], outputs: [y], attributes }, at) => {
      const [out, , ...kernel] = attributes.weight as Shape
      const sizes = { out, kernel: sizeOf(kernel), capacity: w.shape[0] }
      const pattern = { starts: at(starts), places: at(places) }
      const lambda = floatBits(attributes.coefficient as number)
      return [call(sparseGroupLasso, { ...sizes, g: at(g), w: at(w), ...pattern, y: at(y), lambda })]
    },
    inPlace: () => [0],
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
