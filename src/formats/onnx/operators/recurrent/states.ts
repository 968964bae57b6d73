/** @file Initial states of recurrent layers, and where their sequences end. */
import { less } from '../../../../graph/operators/comparisons.ts'
import { concat, expand, reshape } from '../../../../graph/operators/shape.ts'
import { rowMajorStrides, sameShape, type Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import { moved } from '../../folds/fold.ts'
import type { Operation } from '../../operation.ts'
import { Mixed, type Scope } from '../../scope.ts'
import { Known, type Value } from '../../value.ts'
import { overSamples, rowMajor } from '../layouts.ts'
import { permuted } from '../products.ts'
import { perSample } from '../samples.ts'

interface StateShape {
  samples: number
  directions: number
  hidden: number
  /** Whether the node has samples before directions (layout 1). */
  samplesFirst: boolean
}

/** [samples, directions, hidden]: what an input of the node says, or zeros. */
export function initialState(
  value: Value | undefined,
  { samples, directions, hidden, samplesFirst }: StateShape,
  scope: Scope,
  operation: Operation,
): Tensor {
  const { graph } = scope
  const shape = [samples, directions, hidden]
  if (value === undefined) return graph.constant(0, shape, true)
  const order = samplesFirst ? [0, 1, 2] : [1, 0, 2]
  const state = value.shape.length === 3 ? ordered(value, order, operation) : value
  if (state instanceof Known && sameShape(state.shape, shape)) return graph.constant(state.values, shape, true)
  const x = state instanceof Known ? perSample(state, 3, operation, scope) : scope.tensor(state, operation)
  if (x.shape.length !== 3 || x.shape[1] !== directions || x.shape[2] !== hidden)
    throw new UserError(
      `${operation.label}: expected initial states for ${directions} directions of ${hidden} values, found [${value.shape}]`,
    )
  if (x.shape[0] === samples) return overSamples(graph, x)
  if (x.shape[0] === 1 && x.role === 'constant') return expand(graph, rowMajor(graph, x), shape, true)
  throw new Mixed(`${operation.label}: expected initial states for ${samples} samples, found ${x.shape[0]}`)
}

function ordered(value: Value, perm: readonly number[], operation: Operation): Value {
  if (!(value instanceof Known)) return permuted(value, perm)
  const strides = rowMajorStrides(value.shape)
  const shape = perm.map((axis) => value.shape[axis])
  return moved(value, shape, { strides: perm.map((axis) => strides[axis]) }, operation)
}

interface Times {
  steps: number
  samples: number
  /** By direction: the place in time of a step. */
  places: readonly ((step: number) => number)[]
}

/**
 * By step: 1 where a sequence of the lengths [samples] has not ended at the place of each direction, else 0,
 * [samples, directions, 1]; undefined where none ends early. Backwards, what lies behind the end is passed
 * over as well, so that a direction begins at the end of each sequence.
 */
export function masks(
  lengths: Value | undefined,
  { steps, samples, places }: Times,
  scope: Scope,
  operation: Operation,
): ((step: number) => Tensor) | undefined {
  if (lengths === undefined) return undefined
  const { graph } = scope
  const made = new Map<number, Tensor>()
  const once = (make: (step: number) => Tensor) => (step: number) => {
    const mask = made.get(step) ?? make(step)
    made.set(step, mask)
    return mask
  }
  if (lengths instanceof Known) {
    const list = lengths.list()
    const same = list.every((n) => n === list[0])
    if (list.length === 0 || (list.length !== samples && !same))
      throw new Mixed(`${operation.label}: expected the lengths of ${samples} sequences, found ${list.length}`)
    const of = (sample: number) => list[list.length === samples ? sample : 0]
    if (list.every((n) => n >= steps)) return undefined
    return once((step) => {
      const values = Array.from({ length: samples }, (_, n) => places.map((place) => Number(of(n) > place(step))))
      return graph.constant(values.flat(), [samples, places.length, 1], true)
    })
  }
  const x = overSamples(graph, scope.tensor(lengths, operation))
  if (x.shape.length !== 1 || x.shape[0] !== samples)
    throw new Mixed(`${operation.label}: expected the lengths of ${samples} sequences, found [${x.shape}]`)
  const column = reshape(graph, x, [samples, 1, 1])
  return once((step) => {
    const parts = places.map((place) => less(graph, graph.constant(place(step)), column))
    return parts.length === 1 ? parts[0] : concat(graph, parts)
  })
}
