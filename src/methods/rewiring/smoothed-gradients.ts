/** @file Dense gradients smoothed over the steps of training, which sparse momentum looks at. */
import { RunningAverage } from '../../graph/operators/norm.ts'
import type { GradientRule } from '../../train/rules.ts'
import { checkShare } from '../../util/checks.ts'

/** The state of a prunable parameter that holds m. */
export const smoothedName = (parameter: string): string => `${parameter}.smoothed`

/**
 * Keeps m = beta m + (1 - beta) g of every prunable weight, zeros included, and leaves gradients as they are.
 * It costs one dense gradient per step. Throws UserError where beta is none from 0 to below 1.
 */
export function smoothedGradients(beta: number): GradientRule {
  checkShare('smoothing', beta)
  return {
    apply(graph, parameters, gradients) {
      parameters.forEach(({ name, shape }, i) => {
        const average = graph.state(smoothedName(name), shape, { saved: 'floats' })
        graph.apply(RunningAverage, [average, gradients[i]], { rate: 1 - beta, factor: 1 })
      })
      return [...gradients]
    },
  }
}
