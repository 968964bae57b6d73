/** @file Activation functions. */
import type { Graph } from '../../../graph/graph.ts'
import { div, maximum, minimum } from '../../../graph/operators/arithmetic.ts'
import { less, where } from '../../../graph/operators/comparisons.ts'
import { dropout } from '../../../graph/operators/dropout.ts'
import { abs, add, clip, mul, neg, relu, sigmoid } from '../../../graph/operators/elementwise.ts'
import { exp, gelu, log, tanh } from '../../../graph/operators/functions.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { binary, combine, each } from './elementwise.ts'
import { limited } from './limits.ts'

const scaled = (graph: Graph, x: Tensor, factor: number) => mul(graph, x, graph.constant(factor))
const shifted = (graph: Graph, x: Tensor, by: number) => add(graph, x, graph.constant(by))

/** min(x, 0). */
const below = (graph: Graph, x: Tensor) => neg(graph, relu(graph, neg(graph, x)))

/** A function with numbers that are attributes, by their names and defaults. */
const withNumbers =
  (
    defaults: Readonly<Record<string, number>>,
    apply: (graph: Graph, x: Tensor, numbers: readonly number[]) => Tensor,
  ): Translator =>
  (operation, [x], scope) => {
    const numbers = Object.entries(defaults).map(([name, value]) => operation.float(name, value))
    return [scope.map(x, operation, (tensor) => apply(scope.graph, tensor, numbers))]
  }

const limits: Translator = (operation, [x, low, high], scope) => {
  // Attributes before opset 11, inputs since.
  const told = (name: string, without: number) => (operation.opset < 11 ? operation.float(name, without) : without)
  const [least, most] = [told('min', -Infinity), told('max', Infinity)]
  const isKnown = (value: Value | undefined) => value === undefined || value instanceof Known
  if (!isKnown(low) || !isKnown(high)) {
    const raised = low === undefined ? x : combine(operation, [x, low], scope, (graph, [a, b]) => maximum(graph, a, b))
    return [
      high === undefined ? raised : combine(operation, [raised, high], scope, (graph, [a, b]) => minimum(graph, a, b)),
    ]
  }
  const limit = (value: Value | undefined, without: number, name: string) => {
    const found = value instanceof Known ? value.values[0] : without
    if (Number.isNaN(found)) throw new Unsupported(`${operation.label}: its limit ${name} is not a number`)
    return Number.isFinite(found) ? found : undefined
  }
  const range = { least: limit(low, least, 'min'), most: limit(high, most, 'max') }
  return [scope.map(x, operation, (tensor) => limited(scope.graph, tensor, range))]
}

/** min(max(alpha x + beta, 0), 1). */
export const hardSigmoid = (graph: Graph, x: Tensor, alpha: number, beta: number) =>
  clip(graph, shifted(graph, scaled(graph, x, alpha), beta), 0, 1)

/** x where it is above 0, else slope x. */
export const leaky = (graph: Graph, x: Tensor, slope: Tensor) =>
  add(graph, relu(graph, x), mul(graph, below(graph, x), slope))

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
export const softplus = (graph: Graph, x: Tensor) =>
  add(graph, relu(graph, x), log(graph, shifted(graph, exp(graph, neg(graph, abs(graph, x))), 1)))

/** x where it is above 0, else factor (e^(x / scale) - 1). */
export const exponential = (graph: Graph, x: Tensor, factor: number, scale = 1) => {
  const bent = shifted(graph, exp(graph, scaled(graph, below(graph, x), 1 / scale)), -1)
  return add(graph, relu(graph, x), scaled(graph, bent, factor))
}

/** Nearly {@link gelu}: x times (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. */
export const geluByTanh = (graph: Graph, x: Tensor) => {
  const cube = mul(graph, mul(graph, x, x), x)
  const bent = add(graph, x, scaled(graph, cube, 0.044715))
  return mul(graph, scaled(graph, x, 0.5), shifted(graph, tanh(graph, scaled(graph, bent, Math.sqrt(2 / Math.PI))), 1))
}

export const activation: Record<string, Translator> = {
  Relu: each(relu),
  Clip: limits,
  LeakyRelu: withNumbers({ alpha: 0.01 }, (graph, x, [alpha]) => leaky(graph, x, graph.constant(alpha))),
  PRelu: (operation, [x, slope], scope) => {
    // Before opset 7 a list of slopes was one for each channel, whatever the axes after them.
    const list = operation.opset < 7 && slope instanceof Known && slope.size > 1 && slope.shape.length === 1
    const slopes = list ? slope.reshaped([slope.size, ...(x?.shape.slice(2).map(() => 1) ?? [])]) : slope
    return binary(leaky, 0.25)(operation, [x, slopes], scope)
  },
  ThresholdedRelu: withNumbers({ alpha: 1 }, (graph, x, [alpha]) =>
    where(graph, less(graph, graph.constant(alpha), x), x, graph.constant(0)),
  ),
  Elu: withNumbers({ alpha: 1 }, (graph, x, [alpha]) => exponential(graph, x, alpha)),
  Celu: withNumbers({ alpha: 1 }, (graph, x, [alpha]) => exponential(graph, x, alpha, alpha)),
  Selu: withNumbers({ alpha: 1.6732632423543772, gamma: 1.0507009873554805 }, (graph, x, [alpha, gamma]) =>
    scaled(graph, exponential(graph, x, alpha), gamma),
  ),
  HardSigmoid: withNumbers({ alpha: 0.2, beta: 0.5 }, (graph, x, [alpha, beta]) => hardSigmoid(graph, x, alpha, beta)),
  HardSwish: each((graph, x) => mul(graph, x, hardSigmoid(graph, x, 1 / 6, 0.5))),
  Softplus: each(softplus),
  Softsign: each((graph, x) => div(graph, x, shifted(graph, abs(graph, x), 1))),
  Swish: withNumbers({ alpha: 1 }, (graph, x, [alpha]) => mul(graph, x, sigmoid(graph, scaled(graph, x, alpha)))),
  Mish: each((graph, x) => mul(graph, x, tanh(graph, softplus(graph, x)))),
  Shrink: withNumbers({ bias: 0, lambd: 0.5 }, (graph, x, [bias, threshold]) => {
    const [up, down, none] = [shifted(graph, x, bias), shifted(graph, x, -bias), graph.constant(0)]
    const above = where(graph, less(graph, graph.constant(threshold), x), down, none)
    return where(graph, less(graph, x, graph.constant(-threshold)), up, above)
  }),
  Gelu: (operation, [x], scope) => {
    const kind = operation.text('approximate', 'none')
    if (kind !== 'none' && kind !== 'tanh')
      throw new UserError(`${operation.label}: expected approximate none or tanh, found ${kind}`)
    return [scope.map(x, operation, (tensor) => (kind === 'tanh' ? geluByTanh : gelu)(scope.graph, tensor))]
  },
  // Where the network is trained, as it is told here; a file whose own inference is random is refused.
  Dropout: (operation, [x, ratio, training], scope) => {
    const told = operation.opset < 12 ? operation.float('ratio', 0.5) : 0.5
    const share = ratio === undefined ? told : scope.known(ratio, operation, 'ratio').values[0]
    operation.ignore('seed')
    // Before opset 7 a node said that it is for inference; by default it was not.
    if (operation.opset < 7 && operation.integer('is_test', 0) === 0)
      throw new Unsupported(`${operation.label}: its is_test is 0, so what it gives is random`)
    if (training !== undefined && scope.known(training, operation, 'training_mode').values[0] !== 0)
      throw new Unsupported(`${operation.label}: its training_mode is true, so what it gives is random`)
    return [scope.map(x, operation, (tensor) => dropout(scope.graph, tensor, share, scope.training))]
  },
}
