/** @file The activations of recurrent layers, which the attributes of a node name for each direction. */
import type { Graph } from '../../../../graph/graph.ts'
import { div } from '../../../../graph/operators/arithmetic.ts'
import { less, where } from '../../../../graph/operators/comparisons.ts'
import { abs, add, clip, mul, relu, sigmoid } from '../../../../graph/operators/elementwise.ts'
import { tanh } from '../../../../graph/operators/functions.ts'
import { concat, slice } from '../../../../graph/operators/shape.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import { Unsupported } from '../../scope.ts'
import { exponential, hardSigmoid, leaky, softplus } from '../activation.ts'

export type Activation = (graph: Graph, x: Tensor) => Tensor

interface Kind {
  /** Defaults of the numbers that it takes. */
  alpha?: number
  beta?: number
  make(alpha: number, beta: number): Activation
}

const scaled = (graph: Graph, x: Tensor, factor: number) => (factor === 1 ? x : mul(graph, x, graph.constant(factor)))
const shifted = (graph: Graph, x: Tensor, by: number) => (by === 0 ? x : add(graph, x, graph.constant(by)))

/** By their names in small letters, as ONNX Runtime reads them. */
const kinds: Readonly<Record<string, Kind>> = {
  relu: { make: () => relu },
  sigmoid: { make: () => sigmoid },
  tanh: { make: () => tanh },
  affine: {
    alpha: 1,
    beta: 0,
    make: (alpha, beta) => (graph, x) => shifted(graph, scaled(graph, x, alpha), beta),
  },
  leakyrelu: { alpha: 0.01, make: (alpha) => (graph, x) => leaky(graph, x, graph.constant(alpha)) },
  thresholdedrelu: {
    alpha: 1,
    make: (alpha) => (graph, x) => where(graph, less(graph, graph.constant(alpha), x), x, graph.constant(0)),
  },
  scaledtanh: {
    alpha: 1,
    beta: 1,
    make: (alpha, beta) => (graph, x) => scaled(graph, tanh(graph, scaled(graph, x, beta)), alpha),
  },
  hardsigmoid: { alpha: 0.2, beta: 0.5, make: (alpha, beta) => (graph, x) => hardSigmoid(graph, x, alpha, beta) },
  elu: { alpha: 1, make: (alpha) => (graph, x) => exponential(graph, x, alpha) },
  softsign: { make: () => (graph, x) => div(graph, x, shifted(graph, abs(graph, x), 1)) },
  softplus: { make: () => softplus },
}

/**
 * The activations of a node on [samples, directions, hidden], `usual` where it names none: as many as that
 * for each direction. What goes into those of gates, the first two, is kept within its `clip`, as ONNX
 * Runtime does it. Throws Unsupported where one does not run here.
 */
export function activationsOf(operation: Operation, usual: readonly string[], directions: number): Activation[] {
  const names = operation.texts('activations') ?? Array.from({ length: directions }, () => usual).flat()
  if (names.length !== usual.length * directions)
    throw new UserError(
      `${operation.label}: expected ${usual.length * directions} activations, found ${names.length} (${names.join(', ')})`,
    )
  const [alphas, betas] = ['activation_alpha', 'activation_beta'].map((name) => operation.floats(name) ?? [])
  const clipped = operation.has('clip') ? operation.float('clip', 0) : undefined
  let [alpha, beta] = [0, 0]
  const all = names.map((name) => {
    const kind = kinds[name.toLowerCase()]
    if (!kind) throw new Unsupported(`${operation.label}: the activation ${name} does not run here`)
    // Numbers are for those that take some, in their order.
    const a = kind.alpha === undefined ? 0 : (alphas[alpha++] ?? kind.alpha)
    const b = kind.beta === undefined ? 0 : (betas[beta++] ?? kind.beta)
    return { key: `${name.toLowerCase()} ${a} ${b}`, apply: kind.make(a, b) }
  })
  return usual.map((_, i) => {
    const each = Array.from({ length: directions }, (_unused, d) => all[d * usual.length + i])
    const [{ key, apply }] = each
    const whole: Activation = each.every((one) => one.key === key)
      ? apply
      : (graph, x) =>
          concat(
            graph,
            each.map((one, d) => one.apply(graph, slice(graph, x, [0, d, 0], [x.shape[0], 1, x.shape[2]]))),
          )
    return clipped === undefined || i >= 2 ? whole : (graph, x) => whole(graph, clip(graph, x, -clipped, clipped))
  })
}
