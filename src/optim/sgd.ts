/**
 * @file Stochastic gradient descent with momentum, in PyTorch's form.
 *
 *     d = g + weightDecay w + l1 sign(w)      (l1 for prunable weights only)
 *     v = momentum v + d          (v = 0 at the start, so the first step has v = d; no dampening)
 *     w = w - learningRate (nesterov ? d + momentum v : v)
 *
 * Before that, g has the gradient of the group lasso lambda sum over kernels of sqrt(sum w^2 + 1e-12) added,
 * for prunable weights of convolutions, where a network is made with one (`GroupLasso`).
 *
 * The learning rate stands outside the buffer v, so changing it does not rescale past gradients. Weight decay
 * is coupled (part of the gradient); it applies to every parameter, and can be another for biases and for
 * scales and shifts of normalizations. A masked weight and its buffer are set to zero after the step, so
 * neither momentum nor decay can revive it. The kernel is `sgd` in kernels/optimizer.c.
 */
import type { Executable } from '../engine/compile.ts'
import type { Graph } from '../graph/graph.ts'
import { SgdStep } from '../graph/operators/update.ts'
import type { Tensor } from '../graph/tensor.ts'
import { checkNotNegative, checkShare } from '../util/checks.ts'

export interface SgdOptions {
  /** Default 0. */
  momentum?: number
  /** Nesterov's variant. Default false. */
  nesterov?: boolean
  /** L2 coefficient. Default 0. */
  weightDecay?: number
  /**
   * L2 coefficient of parameters with one axis: biases, scales and shifts of normalizations. Default:
   * `weightDecay`.
   */
  biasDecay?: number
  /** L1 coefficient, of prunable weights: the penalty l1 sum |w| over those that are left. Default 0. */
  l1?: number
}

/** Throws UserError where a setting has no value that it can have; `what` is what messages call them. */
export function checkSgd(what: string, { momentum, weightDecay, biasDecay, l1 }: SgdOptions): void {
  checkShare(`${what}.momentum`, momentum)
  for (const [name, value] of Object.entries({ weightDecay, biasDecay, l1 })) checkNotNegative(`${what}.${name}`, value)
}

/**
 * The state tensors [learning rate, momentum, weight decay, nesterov, l1] that steps read: of matrices and
 * kernels, and of parameters with one axis.
 */
export const HYPER = 'sgd.hyper'
export const BIAS_HYPER = 'sgd.hyper.bias'

/** The state tensor that holds a parameter's momentum. */
export const momentumName = (parameter: string): string => `${parameter}.momentum`

/** What the step of a parameter reads and changes. `hyper` [5]; the others have the parameter's shape. */
export interface ParameterStep {
  parameter: Tensor
  gradient: Tensor
  momentum: Tensor
  hyper: Tensor
  mask?: Tensor
}

/** Appends the step of a parameter that has a mask. */
export type MaskedStep = (graph: Graph, step: Required<ParameterStep>) => void

function sgdStep(graph: Graph, { parameter, gradient, momentum, hyper, mask }: ParameterStep): void {
  graph.apply(SgdStep, [parameter, gradient, momentum, hyper, ...(mask ? [mask] : [])])
}

/**
 * Appends one step for every parameter. `maskOf` gives the state tensor of a parameter's mask, if it has one;
 * `maskedStep` is that of those that have.
 */
export function appendSgd(
  graph: Graph,
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  maskOf: (parameter: Tensor) => Tensor | undefined,
  maskedStep: MaskedStep = sgdStep,
): void {
  parameters.forEach((parameter, i) => {
    const hyper = graph.state(parameter.shape.length > 1 ? HYPER : BIAS_HYPER, [5])
    const beside = parameter.name
    const momentum = graph.state(momentumName(beside), parameter.shape, { saved: 'floats', beside })
    const mask = maskOf(parameter)
    const step = { parameter, gradient: gradients[i], momentum, hyper }
    if (mask) maskedStep(graph, { ...step, mask })
    else sgdStep(graph, step)
  })
}

/** Sets what the steps to come read. */
export function setHyper(executable: Executable, learningRate: number, options: SgdOptions): void {
  const { momentum = 0, weightDecay = 0, biasDecay = weightDecay, nesterov = false, l1 = 0 } = options
  for (const [name, decay] of Object.entries({ [HYPER]: weightDecay, [BIAS_HYPER]: biasDecay }))
    if (executable.has(name)) executable.blank(name).set([learningRate, momentum, decay, nesterov ? 1 : 0, l1])
}
