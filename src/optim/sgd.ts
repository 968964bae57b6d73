/**
 * @file Stochastic gradient descent with momentum, in PyTorch's form.
 *
 *     d = g + weightDecay w + l1 sign(w)      (l1 for prunable weights only)
 *     v = momentum v + d          (v = 0 at the start, so the first step has v = d; no dampening)
 *     w = w - learningRate (nesterov ? d + momentum v : v)
 *
 * Before that, g has the gradient of the group lasso lambda sum over kernels of sqrt(sum w^2 + 1e-12) added, for prunable weights of convolutions, where a network is made with one (`GroupLasso`).
 *
 * The learning rate stands outside the buffer v, so changing it does not rescale past gradients. Weight decay is
 * coupled (part of the gradient) and applies to every parameter, biases included. A masked weight and its buffer are set to zero after the step, so neither
 * momentum nor decay can revive it. The kernel is `sgd` in kernels/optimizer.c.
 */
import type { Graph } from '../graph/graph.ts'
import { SgdStep } from '../graph/operators/update.ts'
import type { Tensor } from '../graph/tensor.ts'

export interface SgdOptions {
  /** Default 0. */
  momentum?: number
  /** Nesterov's variant. Default false. */
  nesterov?: boolean
  /** L2 coefficient. Default 0. */
  weightDecay?: number
  /** L1 coefficient, of prunable weights: the penalty l1 sum |w| over those that are left. Default 0. */
  l1?: number
}

/** The state tensor [learning rate, momentum, weight decay, nesterov, l1] that all steps read. */
export const HYPER = 'sgd.hyper'

/** The state tensor that holds a parameter's momentum. */
export const momentumName = (parameter: string): string => `${parameter}.momentum`

/**
 * Appends one step for every parameter. `maskOf` gives the state tensor of a parameter's mask, if it has one.
 */
export function appendSgd(
  graph: Graph,
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  maskOf: (parameter: Tensor) => Tensor | undefined,
): void {
  const hyper = graph.state(HYPER, [5])
  parameters.forEach((parameter, i) => {
    const momentum = graph.state(momentumName(parameter.name), parameter.shape)
    const mask = maskOf(parameter)
    graph.apply(SgdStep, [parameter, gradients[i], momentum, hyper, ...(mask ? [mask] : [])])
  })
}

/** The contents of the state tensor {@link HYPER}. */
export function hyperValues(learningRate: number, options: SgdOptions): number[] {
  return [learningRate, options.momentum ?? 0, options.weightDecay ?? 0, options.nesterov ? 1 : 0, options.l1 ?? 0]
}
