/**
 * @file Operators that change persistent tensors in place, every step, over every weight.
 */
import { check, type Operator } from '../operator.ts'
import { describe, type Tensor } from '../tensor.ts'

/**
 * One step of SGD on a parameter: inputs (weight, gradient, momentum, hyper) and optionally a mask;
 * weight and momentum are changed. `hyper` [5] holds learning rate, momentum, weight decay, Nesterov (0 or 1) and, for a parameter with a mask, the L1 coefficient.
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
      hyper.shape.length === 1 && hyper.shape[0] === 5,
      'SgdStep',
      () => `expected hyper [5], found ${describe(hyper)}`,
    )
    return []
  },
}
