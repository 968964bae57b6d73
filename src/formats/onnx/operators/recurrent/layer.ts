/**
 * @file What all recurrent layers share: their inputs and outputs over time, the two products with stored
 * matrices, initial states and lengths of sequences. Samples lie innermost, both directions side by side.
 */
import type { Graph } from '../../../../graph/graph.ts'
import { where } from '../../../../graph/operators/comparisons.ts'
import { conv } from '../../../../graph/operators/conv.ts'
import { gemm } from '../../../../graph/operators/linear.ts'
import { concat, reshape, slice } from '../../../../graph/operators/shape.ts'
import { sameShape, sizeOf, type Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import type { Scope } from '../../scope.ts'
import { Known, Permuted, type Value } from '../../value.ts'
import { overSamples } from '../layouts.ts'
import { permuted } from '../products.ts'
import { initialState, masks } from './states.ts'

export interface Layer {
  graph: Graph
  /** The numbers of steps, samples, directions (1 or 2) and of values of a state. */
  steps: number
  samples: number
  directions: number
  hidden: number
  /** x W' at a step, of each direction at its own place in time: [samples, directions, gates x hidden]. */
  input(step: number): Tensor
  /** h R' of a state [samples, directions, hidden]: [samples, directions, gates x hidden]. */
  product(state: Tensor): Tensor
  /** The biases beside W and R, [directions, gates x hidden] each; undefined where there are none. */
  biases?: { input: Tensor; state: Tensor }
  /** The state that an input of the node says, else zeros: [samples, directions, hidden]. */
  initial(input: number): Tensor
  /** A state after a step, which is that before it where a sequence has ended. */
  kept(step: number, now: Tensor, before: Tensor): Tensor
  /** Part `gate` of [samples, directions, gates x hidden]. */
  gate(x: Tensor, gate: number): Tensor
  /** What the node gives, of the states after all steps: those over time, then `last` ones. */
  outputs(states: readonly Tensor[], last: readonly Tensor[]): (Value | undefined)[]
}

const DIRECTIONS: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
}

/** Reads X, W, R, B and sequence_lens, the first five inputs of a node. `gates`: per state. */
export function layerOf(
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
  gates: number,
): Layer {
  const { graph } = scope
  const { label } = operation
  const told = operation.text('direction', 'forward')
  if (!Object.hasOwn(DIRECTIONS, told))
    throw new UserError(`${label}: expected the direction forward, reverse or bidirectional, found ${told}`)
  const backwards = DIRECTIONS[told]
  const directions = backwards.length
  const samplesFirst = operation.integer('layout', 0) === 1
  const [x, w, r, b, lengths] = inputs
  if (x?.shape.length !== 3)
    throw new UserError(`${label}: expected three axes in its input, found [${x?.shape ?? ''}]`)
  const [weight, recurrence] = [scope.known(w, operation, 'weight W'), scope.known(r, operation, 'weight R')]
  const [steps, samples] = samplesFirst ? [x.shape[1], x.shape[0]] : x.shape
  const hidden = recurrence.shape.at(-1) ?? 0
  const width = gates * hidden
  const expectShape = (what: string, value: Known, shape: readonly number[]) => {
    if (!sameShape(value.shape, shape))
      throw new UserError(`${label}: expected ${what} of shape [${shape}], found [${value.shape}]`)
  }
  expectShape('W', weight, [directions, width, x.shape[2]])
  expectShape('R', recurrence, [directions, width, hidden])
  if (operation.integer('hidden_size', hidden) !== hidden)
    throw new UserError(
      `${label}: its hidden_size is ${operation.integer('hidden_size', hidden)}, but R is [${r?.shape}]`,
    )

  const places = backwards.map((back) => (step: number) => (back ? steps - 1 - step : step))
  const products = overTime({ x, weight, samplesFirst, directions }, scope, operation)
  const matrix = matrixOf({ recurrence, directions, hidden }, scope)
  const biases = b === undefined ? undefined : biasesOf(scope.known(b, operation, 'bias'), scope, operation)
  const isWithin = masks(lengths, { steps, samples, places }, scope, operation)

  /** What each direction has at its own place. */
  const together = (parts: readonly Tensor[]) => (parts.length === 1 ? parts[0] : concat(graph, parts))
  return {
    graph,
    steps,
    samples,
    directions,
    hidden,
    input: (step) =>
      together(
        places.map((place, d) => {
          const one = slice(graph, products, [0, d, 0, place(step)], [samples, 1, width, 1])
          return reshape(graph, one, [samples, 1, width])
        }),
      ),
    product: (state) => reshape(graph, matrix(state), [samples, directions, width]),
    biases,
    initial: (input) => initialState(inputs[input], { samples, directions, hidden, samplesFirst }, scope, operation),
    kept: (step, now, before) => {
      const mask = isWithin?.(step)
      return mask ? where(graph, mask, now, before) : now
    },
    gate: (z, gate) => slice(graph, z, [0, 0, gate * hidden], [samples, directions, hidden]),
    outputs: (states, last) => {
      const shape = [samples, 1, 1, hidden]
      const along = (d: number) => {
        const list = states.map((state, step) => {
          const mask = isWithin?.(step)
          const seen = mask ? where(graph, mask, state, graph.constant(0)) : state
          return reshape(graph, slice(graph, seen, [0, d, 0], [samples, 1, hidden]), shape)
        })
        const inTime = backwards[d] ? list.reverse() : list
        return inTime.length === 1 ? inTime[0] : concat(graph, inTime)
      }
      const whole = operation.outputs[0] === '' ? undefined : Array.from({ length: directions }, (_, d) => along(d))
      const y = whole && (directions === 1 ? whole[0] : concat(graph, whole, 2))
      if (samplesFirst) return [y, ...last]
      return [y && new Permuted(y, [1, 2, 0, 3]), ...last.map((state) => new Permuted(state, [1, 0, 2]))]
    },
  }

  function biasesOf(known: Known, { graph: into }: Scope, at: Operation): Layer['biases'] {
    if (!sameShape(known.shape, [directions, 2 * width]))
      throw new UserError(`${at.label}: expected B of shape [${directions},${2 * width}], found [${known.shape}]`)
    const both = scope.parameter(known, { in: hidden, out: hidden })
    const [input, state] = [0, width].map((from) => slice(into, both, [0, from], [directions, width]))
    return { input, state }
  }
}

interface InputProduct {
  x: Value
  weight: Known
  samplesFirst: boolean
  directions: number
}

/**
 * x W' of all steps: a 1x1 convolution over time, whose weight has the directions one below the other.
 * [samples, directions, gates x hidden, steps].
 */
function overTime({ x, weight, samplesFirst, directions }: InputProduct, scope: Scope, operation: Operation): Tensor {
  const { graph } = scope
  const channelsFirst = samplesFirst ? [0, 2, 1] : [1, 2, 0]
  const moved = permuted(x instanceof Known ? scope.tensor(x, operation) : x, channelsFirst)
  const maps = overSamples(graph, scope.tensor(moved, operation))
  const [samples, channels, steps] = maps.shape
  const [, width] = weight.shape
  const fan = { in: channels, out: width }
  const outputs = directions * width
  const parameter = scope.parameter(weight.reshaped([outputs, channels, 1, 1]), fan)
  const y = conv(graph, reshape(graph, maps, [samples, channels, 1, steps]), parameter)
  return reshape(graph, y, [samples, directions, width, steps])
}

/**
 * h R': a linear layer; of two directions a convolution of two groups, so that each meets its own half of the
 * stored matrices.
 */
function matrixOf(
  { recurrence, directions, hidden }: { recurrence: Known; directions: number; hidden: number },
  scope: Scope,
): (state: Tensor) => Tensor {
  const { graph } = scope
  const outputs = sizeOf(recurrence.shape) / hidden
  const fan = { in: hidden, out: outputs / directions }
  if (directions === 1) {
    const parameter = scope.parameter(recurrence.reshaped([outputs, hidden]), fan)
    return (state) => gemm(graph, reshape(graph, state, [state.shape[0], hidden]), parameter, { transB: 1 })
  }
  const parameter = scope.parameter(recurrence.reshaped([outputs, hidden, 1, 1]), fan)
  const options = { group: directions }
  return (state) =>
    conv(graph, reshape(graph, state, [state.shape[0], directions * hidden, 1, 1]), parameter, undefined, options)
}
