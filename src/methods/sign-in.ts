/**
 * @file Sign-In (Gadhikar, Jacobs, Zhou & Burkholz, NeurIPS 2025, arXiv 2504.12801): every prunable weight of
 * a network that is sparse from the start is a product of two factors that learn in its place, so that its
 * sign flips more easily.
 *
 *     w = m u
 *     m and u take steps of SGD (src/optim/sgd.ts) with the gradients u ∂L/∂w and m ∂L/∂w
 *
 * (the paper's m and w, and its θ is our w). Small steps move w by -(m² + u²) ∂L/∂w = -sqrt(β² + 4 w²)
 * ∂L/∂w, where β = m² - u², the inner scaling, is the same before and after: near zero w moves as with SGD at
 * β times its learning rate, far from zero faster. Noise and decay, which acts on both factors, let β shrink,
 * and with it the speed at which a weight passes zero. So the factors are balanced anew at the beginning and
 * after every so many steps, which changes neither w nor momenta:
 *
 *     m = sqrt((β + sqrt(β² + 4 w²)) / 2),   u = w / m,   with the β that was asked for (published: 1)
 *
 * Files of weights hold the product. A weight that is pruned has no factors but zeros, for which there is no
 * gradient: no such weight can return.
 */
import { FactoredSgdStep } from '../graph/operators/update.ts'
import type { Network } from '../train/network.ts'
import type { GradientRule, Ruled } from '../train/rules.ts'
import type { Hook } from '../train/train.ts'
import { checkPositive, checkWhole } from '../util/checks.ts'

/** The states of a parameter: the factor m with its momentum, and u, whose momentum is that of the weight. */
export const factorNames = (parameter: string) => ({
  m: `${parameter}.m`,
  momentum: `${parameter}.m.momentum`,
  u: `${parameter}.u`,
})

/** Sets the factors of weights to those of an inner scaling. */
export function balance(
  weights: ArrayLike<number>,
  scaling: number,
  m: Float32Array | Float64Array,
  u: typeof m,
): void {
  for (let i = 0; i < weights.length; i++) {
    m[i] = Math.sqrt((scaling + Math.hypot(scaling, 2 * weights[i])) / 2)
    u[i] = weights[i] / m[i]
  }
}

/** Sign-In with the inner scaling β as a rule. Throws UserError where β is not above 0. */
export function signIn(scaling: number): GradientRule {
  checkPositive('signIn.scaling', scaling)
  const balanceAll = ({ prunable, executable }: Ruled) => {
    for (const { name } of prunable) {
      const { m, u } = factorNames(name)
      balance(executable.view(name), scaling, executable.view(m), executable.view(u))
    }
  }
  return {
    apply: (_graph, _parameters, gradients) => [...gradients],
    step(graph, { parameter, gradient, momentum, hyper, mask }) {
      const beside = parameter.name
      const names = factorNames(beside)
      const state = (name: string) => graph.state(name, parameter.shape, { saved: 'floats', beside })
      const factors = [names.m, names.momentum, names.u].map(state)
      graph.apply(FactoredSgdStep, [parameter, gradient, momentum, hyper, mask, ...factors])
    },
    begin: balanceAll,
    loaded: balanceAll,
  }
}

/**
 * A training hook that balances the factors anew after every `every` steps. The network needs the rule
 * {@link signIn}. Throws UserError where an option has no value that it can have.
 */
export function balancing({ scaling, every }: { scaling: number; every: number }): Hook {
  checkPositive('scaling', scaling)
  checkWhole('every', every ?? null, 1)
  return {
    atStep(step: number, { prunable, weights }: Network) {
      if (step === 0 || step % every !== 0) return
      for (const { name } of prunable) {
        const { m, u } = factorNames(name)
        balance(weights.view(name), scaling, weights.view(name, m), weights.view(name, u))
      }
    },
  }
}
