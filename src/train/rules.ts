/**
 * @file What a method does to the gradients of a training step, on their way to the optimizer, or in the
 * optimizer's place: nodes in the graph of the step, with states of their own that checkpoints keep.
 */
import type { Executable } from '../engine/compile.ts'
import type { Graph } from '../graph/graph.ts'
import type { Shape, Tensor } from '../graph/tensor.ts'
import type { MaskedStep } from '../optim/sgd.ts'

/** What a rule sees of its network: the tensors that it is for, and where its states lie. */
export interface Ruled {
  readonly prunable: readonly Tensor[]
  readonly executable: Executable
}

export interface GradientRule {
  /**
   * Gradients of the prunable parameters as the optimizer takes them. Further outputs of the graph that are
   * scalars are summed over an epoch; where one is not finite, training ends.
   */
  apply(graph: Graph, parameters: readonly Tensor[], gradients: readonly Tensor[]): Tensor[]
  /**
   * Appends the step of a prunable parameter, in the place of SGD's. Its further states lie beside the
   * parameter. Of several rules with one, the first counts.
   */
  step?: MaskedStep
  /** Gives its states their first values, once the network is there. */
  begin?(network: Ruled, seed: number): void
  /** Called after the network's weights were given values. */
  loaded?(network: Ruled): void
  /** How many values can be learned of a prunable parameter, where it is not one for every nonzero. */
  learnable?(shape: Shape): number
}
