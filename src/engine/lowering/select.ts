/** @file Selection. */
import { sizeOf } from '../../graph/tensor.ts'
import { selectTopCall } from '../kernels/select.ts'
import type { Lowering } from '../lowering.ts'

export const select: Record<string, Lowering> = {
  SelectTop: {
    emit: ({ inputs, outputs, attributes }, at) => [
      selectTopCall(
        attributes.keep as number,
        inputs.map((scores, i) => ({ scores: at(scores), n: sizeOf(scores.shape), mask: at(outputs[i]) })),
      ),
    ],
  },
}
