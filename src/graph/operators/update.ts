/**
 * @file Operators that change persistent tensors in place, every step, over every weight.
 */
import { check, type Operator } from '../operator.ts'
import { describe, sizeOf, type Tensor } from '../tensor.ts'

/**
 * One step of SGD on a parameter: inputs (weight, gradient, momentum, hyper) and optionally a mask; weight
 * and momentum are changed. `hyper` [5] holds learning rate, momentum, weight decay, Nesterov (0 or 1) and,
 * for a parameter with a mask, the L1 coefficient. The formula stands with the optimizer (src/optim/sgd.ts).
 */
export const SgdStep: Operator = {
  name: 'SgdStep',
  writes: [0, 2],
  infer: ([weight, gradient, momentum, hyper, mask]) => {
    checkStep('SgdStep', weight, gradient, hyper, mask === undefined ? [momentum] : [momentum, mask])
    return []
  },
}

/**
 * One step of SGD on the factors of a weight w = m u, after which it is their product. Inputs are those of
 * {@link SgdStep} with a mask (the momentum is that of u), then m, its momentum and u; weight, momenta and
 * factors are changed. The formula stands with its use (src/methods/sign-in.ts).
 */
export const FactoredSgdStep: Operator = {
  name: 'FactoredSgdStep',
  writes: [0, 2, 5, 6, 7],
  infer: ([weight, gradient, momentum, hyper, mask, ...factors]) => {
    check(factors.length === 3, 'FactoredSgdStep', () => `expected 8 inputs, found ${5 + factors.length}`)
    checkStep('FactoredSgdStep', weight, gradient, hyper, [momentum, mask, ...factors])
    return []
  },
}

/** Throws ShapeError where the gradient, or what lies beside the weight, does not have the weight's shape. */
function checkStep(name: string, weight: Tensor, gradient: Tensor, hyper: Tensor, states: readonly Tensor[]): void {
  for (const other of [gradient, ...states])
    check(String(other.shape) === String(weight.shape), name, () => {
      return `expected the shape of ${describe(weight)}, found ${describe(other)}`
    })
  check(!gradient.batched, name, () => `the gradient ${describe(gradient)} runs over samples`)
  check(hyper.shape.length === 1 && hyper.shape[0] === 5, name, () => `expected hyper [5], found ${describe(hyper)}`)
}

/**
 * The gradient of tied weights, whose copies of a bank entry are to stay equal: every copy gets the sum of
 * the gradients of all copies, or (`mean`) their mean. Inputs gradient and order (bytes: a permutation of
 * 32-bit integers); attributes `entries` of the bank, `mean`. What is a copy of what stands in
 * src/sparsity/tied.ts.
 */
export const TieGradient: Operator = {
  name: 'TieGradient',
  infer: ([gradient, order], { entries }) => {
    const units = sizeOf(order.shape) / 4
    const fits = order.bytes === true && Number.isInteger(units) && sizeOf(gradient.shape) % units === 0
    check(fits, 'TieGradient', () => `${describe(order)} orders no equal parts of ${describe(gradient)}`)
    check(
      Number(entries) >= 1 && Number(entries) <= units,
      'TieGradient',
      () => `expected 1 to ${units} entries, found ${entries}`,
    )
    return [{ shape: gradient.shape, batched: false }]
  },
}

/**
 * Adds the gradient of the group lasso, coefficient times the sum over the kernels of a convolution of
 * sqrt(sum w^2 + 1e-12), to the weight's gradient. Inputs gradient and weight [out, in, kh, kw]; attribute
 * `coefficient`. Weights that are zero get nothing.
 */
export const GroupLasso: Operator = {
  name: 'GroupLasso',
  infer: ([gradient, weight]) => {
    const fits = weight.shape.length === 4 && String(gradient.shape) === String(weight.shape)
    check(
      fits,
      'GroupLasso',
      () => `expected kernels and their gradient, found ${describe(weight)}, ${describe(gradient)}`,
    )
    return [{ shape: weight.shape, batched: false }]
  },
}

/**
 * The same for a weight that is held sparse: inputs gradient, values, starts, places; attributes
 * `coefficient` and `weight`, the shape of the whole weight.
 */
export const SparseGroupLasso: Operator = {
  name: 'SparseGroupLasso',
  infer: ([gradient]) => [{ shape: gradient.shape, batched: false }],
}
