/** @file Softmax, cross-entropy and accuracy. */
import type { Node } from '../../graph/operator.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { countCorrect, crossEntropy, crossEntropyGrad, softmax } from '../kernels/loss.ts'
import { memoryOrder } from '../layout.ts'
import type { Lowering } from '../lowering.ts'

export const loss: Record<string, Lowering> = {
  Softmax: {
    emit: ({ inputs: [x], outputs: [y], attributes }: Node, at) => {
      const axis = (attributes.axis as number | undefined) ?? x.shape.length - 1
      const order = memoryOrder(x)
      const place = order.indexOf(axis)
      const size = (axes: number[]) => sizeOf(axes.map((i) => x.shape[i]))
      const [outer, inner] = [size(order.slice(0, place)), size(order.slice(place + 1))]
      return [call(softmax, { outer, classes: x.shape[axis], inner, x: at(x), y: at(y) })]
    },
  },
  SoftmaxCrossEntropyLoss: {
    emit: ({ inputs: [z, labels], outputs: [y] }, at) => [
      call(crossEntropy, { classes: z.shape[1], n: z.shape[0], logits: at(z), labels: at(labels), loss: at(y) }),
    ],
  },
  SoftmaxCrossEntropyGrad: {
    emit: ({ inputs: [z, labels, dloss], outputs: [dz] }, at) => [
      call(crossEntropyGrad, {
        classes: z.shape[1],
        n: z.shape[0],
        logits: at(z),
        labels: at(labels),
        dloss: at(dloss),
        dlogits: at(dz),
      }),
    ],
  },
  CountCorrect: {
    emit: ({ inputs: [z, labels], outputs: [y] }, at) => [
      call(countCorrect, { classes: z.shape[1], n: z.shape[0], logits: at(z), labels: at(labels), y: at(y) }),
    ],
  },
}
