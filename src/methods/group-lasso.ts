/** @file The group lasso over the kernels of convolutions (Yuan & Lin 2006), as a rule for gradients. */
import { GroupLasso } from '../graph/operators/update.ts'
import type { GradientRule } from '../train/rules.ts'
import { checkNotNegative } from '../util/checks.ts'

/**
 * Adds the gradient of the penalty `coefficient` sum sqrt(sum w^2 + 1e-12), the outer sum over all kernels of
 * prunable convolutions, of the weights that are left. Throws UserError where the coefficient is negative.
 */
export function groupLasso(coefficient: number): GradientRule {
  checkNotNegative('groupLasso', coefficient)
  return {
    apply: (graph, parameters, gradients) =>
      gradients.map((gradient, i) =>
        coefficient > 0 && parameters[i].shape.length === 4
          ? graph.apply(GroupLasso, [gradient, parameters[i]], { coefficient })[0]
          : gradient,
      ),
  }
}
