/**
 * @file Operators that change persistent tensors in place, every step, over every weight.
 */
import { check, type Operator } from '../operator.ts'
import { describe, type Tensor } from '../tensor.ts'

/**
 * One step of SGD on a parameter: inputs (weight, gradient, momentum, hyper) and optionally a mask;
 * weight and momentum are changed. `hyper` [4] holds learning rate, momentum, weight decay and Nesterov (0 or 1).
 * The formula stands with the optimizer (src/optim/sgd.ts).
 */
export const SgdStep: Operator = {
  name: 'SgdStep',
  writes: [0, 2],
  infer: ([weight, gradient, momentum, hyper, mask]) => {
    for (const other of [gradient, momentum, mask].filter((tensor): tensor is Tensor => tensor !== undefined))
      check(String(other.shape) === String(weight.shape), 'SgdStep', () => {
        return `expected the shape of ${describe(weight)}, found ${describe(other)}`
      })
    check(!gradient.batched, 'SgdStep', () => `the gradient ${describe(gradient)} runs over samples`)
    check(
      hyper.shape.length === 1 && hyper.shape[0] === 4,
      'SgdStep',
      () => `expected hyper [4], found ${describe(hyper)}`,
    )
    return []
  },
}
