/** @file What attention of ONNX Runtime's own operators leaves out, and what these do not do here. */
import { less, where } from '../../../../graph/operators/comparisons.ts'
import { add } from '../../../../graph/operators/elementwise.ts'
import { reshape } from '../../../../graph/operators/shape.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import type { Operation } from '../../operation.ts'
import { type Scope, Unsupported } from '../../scope.ts'
import type { Value } from '../../value.ts'
import { rowMajor } from '../layouts.ts'

/**
 * Scores [N, heads, places, length] of what a mask hides moved by the attribute mask_filter_value (default
 * -10000). A mask [N] holds lengths; [N, length] and [N, places, length] hold 0 where something is hidden.
 * Throws Unsupported where it is of another kind.
 */
export function hidden(
  scores: Tensor,
  name: string,
  mask: Value | undefined,
  scope: Scope,
  operation: Operation,
): Tensor {
  const { graph } = scope
  const filter = operation.float('mask_filter_value', -10000)
  if (mask === undefined) return scores
  const [samples, , places, length] = scores.shape
  const given = rowMajor(graph, scope.tensor(mask, operation))
  const forms = [[samples], [samples, length], [samples, places, length]]
  if (String(given.shape) !== String(forms[given.shape.length - 1]))
    throw new Unsupported(`${operation.label}: its input ${name} is [${given.shape}], expected [${forms.join('], [')}]`)
  const shown =
    given.shape.length === 1
      ? less(graph, placesOf(scope, length), reshape(graph, given, [samples, 1, 1, 1], false))
      : less(
          graph,
          graph.constant(0),
          reshape(graph, given, [samples, 1, given.shape.length === 2 ? 1 : places, length], false),
        )
  return add(graph, scores, where(graph, shown, graph.constant(0), graph.constant(filter)))
}

const placesOf = ({ graph }: Scope, length: number) =>
  graph.constant(
    Array.from({ length }, (_, i) => i),
    [1, 1, 1, length],
  )

/** Scores with something added to them, where it is given. */
export function biasedScores(scores: Tensor, bias: Value | undefined, scope: Scope, operation: Operation): Tensor {
  if (bias === undefined) return scores
  return add(scope.graph, scores, rowMajor(scope.graph, scope.tensor(bias, operation)))
}

/** Throws Unsupported, naming it, where one of some inputs is given. */
export function refuseInputs(operation: Operation, inputs: Readonly<Record<string, Value | undefined>>): void {
  const name = Object.keys(inputs).find((one) => inputs[one] !== undefined)
  if (name !== undefined) throw new Unsupported(`${operation.label}: its input ${name} is not supported`)
}

/**
 * Throws Unsupported, naming it, where one of some attributes, whole numbers, is not as it would be left out.
 */
export function refuseAttributes(operation: Operation, defaults: Readonly<Record<string, number>>): void {
  for (const [name, usual] of Object.entries(defaults)) {
    const found = operation.integer(name, usual)
    if (found !== usual)
      throw new Unsupported(`${operation.label}: its attribute ${name} is ${found}, and only ${usual} is supported`)
  }
}
