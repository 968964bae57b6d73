/**
 * @file Tied weights (src/sparsity/tied.ts) as a rule for gradients: the copies of an entry share one, and
 * which are copies of which lies beside the weights as a state of the training step.
 */
import { TieGradient } from '../graph/operators/update.ts'
import { runNames } from '../sparsity/granularity/runs.ts'
import { bankOf, drawOrder, learnableCount, makeEqual, type Tying } from '../sparsity/tied.ts'
import type { GradientRule, Ruled } from '../train/rules.ts'
import { checkName, checkShare } from '../util/checks.ts'

/** The state of a prunable parameter that says which of its weights are copies of which. */
export const orderName = (parameter: string): string => `${parameter}.order`

/** Throws UserError where a setting has no value that it can have. */
export function tied(tying: Tying): GradientRule {
  checkShare('tying.sparsity', tying.sparsity)
  checkName('tying.granularity', tying.granularity, runNames)
  const equalize = ({ prunable, executable }: Ruled) => {
    for (const { name, shape } of prunable)
      makeEqual(executable.view(name), executable.integers(orderName(name)), bankOf(shape, tying))
  }
  return {
    apply: (graph, parameters, gradients) =>
      parameters.map(({ name, shape }, i) => {
        const { units, entries } = bankOf(shape, tying)
        const order = graph.state(orderName(name), [4 * units], { bytes: true, saved: 'permutation' })
        return graph.apply(TieGradient, [gradients[i], order], { entries, mean: tying.rescale === true })[0]
      }),
    begin(network, seed) {
      for (const { name, shape } of network.prunable)
        network.executable.integers(orderName(name)).set(drawOrder(seed, name, bankOf(shape, tying)))
      equalize(network)
    },
    loaded: equalize,
    learnable: (shape) => learnableCount(shape, tying),
  }
}
