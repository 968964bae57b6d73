/**
 * @file The K-step reconstruction loss of SNOWS (Lucas & Mazumder 2024) as graphs. With Y_k the activations
 * of the dense network k steps after a layer (k = 1 is the layer itself) and Z_k(W) those of the pruned one,
 *
 *     L(W) = sum over k = 1 .. K of the mean of (Y_k - Z_k(W))^2.
 *
 * A step is the output of a layer or of a nonlinearity; the last one there can be is the logits. What lies
 * before the layer does not depend on W: a program of its own (`prefix`) computes it once for every image,
 * and the others begin with what it found, which is called the frontier here. Gradient and Hessian product
 * are gradients of graphs and gradients of these, so both are exact.
 */
import { differentiate } from '../../graph/differentiate.ts'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { loadSamples } from '../../graph/operators/batch.ts'
import { add, mul, sub } from '../../graph/operators/elementwise.ts'
import { reduceSum } from '../../graph/operators/shape.ts'
import { neededFor, replay } from '../../graph/replay.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Calibrated } from './walk.ts'

/** The graphs of a layer for one batch size. */
export interface HorizonGraphs {
  /** From an `index` into `calibration.images` to the frontier of both networks, outputs by these names. */
  prefix: Graph
  /** From the frontier to `losses` [batch] and the `gradient` of their sum, of the shape of the weight. */
  gradient: Graph
  /** From the frontier and a {@link DIRECTION} to the `product` with the Hessian of the summed losses. */
  product: Graph
  /** Names of what lies before the layer in both networks: inputs of the other programs. */
  frontier: string[]
  /** Floats of the frontier of both networks, for one image. */
  frontierSize: number
  /** How many activations are compared: K, fewer where the logits come before. */
  steps: number
}

/** The state that holds the vector of a Hessian product. */
export const DIRECTION = 'direction'

/** What the dense network's parameters and buffers are called beside the pruned network's. */
export const denseName = (name: string): string => `dense ${name}`

/** Nonlinearities that count as a step. What is composed of them (HardSwish, Tanh) counts by these. */
const ACTIVATIONS: ReadonlySet<string> = new Set(['Relu', 'Clip', 'Sigmoid', 'Softmax'])

/**
 * The graphs of the layer with this weight, `horizon` steps ahead, for `batch` of `count` images. Throws
 * where no layer has such a weight.
 */
export function horizonGraphs(
  { model, data }: Pick<Calibrated, 'model' | 'data'>,
  weight: string,
  horizon: number,
  count: number,
  batch: number,
): HorizonGraphs {
  const whole = new Graph()
  const { images } = loadSamples(whole, { ...data, name: 'calibration', count }, batch)
  const first = whole.nodes.length
  const logits = model.build(whole, images, false)
  const nodes = whole.nodes.slice(first)
  const at = nodes.findIndex(({ operator, inputs }) => inputs[operator.weight ?? -1]?.name === weight)
  if (at < 0) throw new Error(`no layer of ${model.name} has a prunable weight named ${weight}`)

  const [before, after] = [nodes.slice(0, at), nodes.slice(at)]
  const steps = stepsAhead(after, weight, horizon, logits)
  const needed = neededFor(steps, after)
  const suffix = after.filter(({ outputs }) => outputs.some((output) => needed.has(output)))
  const frontier = [images, ...before.flatMap(({ outputs }) => outputs)].filter((tensor) => needed.has(tensor))
  const names = (network: string) => frontier.map((_, i) => `${network} ${i}`)
  const inputs = { pruned: names('pruned'), dense: names('dense') }

  const prefix = whole.clone()
  const twins = replay(prefix, before, new Map([[images, images]]), denseName)
  frontier.forEach((tensor, i) => {
    prefix.output(inputs.pruned[i], tensor)
    prefix.output(inputs.dense[i], twins.get(tensor)!)
  })

  /** The steps of a network that begins with its frontier. */
  const append = (graph: Graph, network: 'pruned' | 'dense'): Tensor[] => {
    const given = frontier.map(({ shape, batched }, i) => graph.input(inputs[network][i], shape, { batched }))
    const known = new Map(frontier.map((tensor, i) => [tensor, given[i]]))
    const renamed = replay(graph, suffix, known, network === 'dense' ? denseName : undefined)
    return steps.map((tensor) => renamed.get(tensor)!)
  }
  const forward = new Graph()
  const losses = reconstructionLosses(forward, append(forward, 'pruned'), append(forward, 'dense'))
  const along = forward.tensors.get(weight)!
  const { graph: gradient, gradients } = differentiate(forward, reduceSum(forward, losses, [0], 0), [along])
  const product = hessianProduct(gradient, gradients[0], along)
  gradient.output('losses', losses)
  gradient.output('gradient', gradients[0])
  const frontierSize = (2 * frontier.reduce((sum, { shape }) => sum + sizeOf(shape), 0)) / batch
  return { prefix, gradient, product, frontier: [...inputs.pruned, ...inputs.dense], frontierSize, steps: steps.length }
}

/** The activations that are compared: the first `horizon` steps that depend on the weight, in their order. */
function stepsAhead(nodes: readonly Node[], weight: string, horizon: number, logits: Tensor): Tensor[] {
  const reached = new Set<Tensor>()
  const steps: Tensor[] = []
  for (const { operator, inputs, outputs } of nodes) {
    if (!inputs.some((input) => reached.has(input) || input.name === weight)) continue
    for (const output of outputs) reached.add(output)
    const counts = inputs[operator.weight ?? -1]?.role === 'parameter' || ACTIVATIONS.has(operator.name)
    if (counts && outputs[0].batched && steps.length < horizon) steps.push(outputs[0])
  }
  // Pooling or a bias may follow the last layer.
  if (steps.length < horizon && reached.has(logits) && !steps.includes(logits)) steps.push(logits)
  return steps
}

/** By sample, [batch]: the sum over steps of the mean squared difference. */
function reconstructionLosses(graph: Graph, pruned: readonly Tensor[], dense: readonly Tensor[]): Tensor {
  return pruned
    .map((tensor, i) => {
      const difference = sub(graph, tensor, dense[i])
      const [batch, ...axes] = tensor.shape.keys()
      const sums = reduceSum(graph, mul(graph, difference, difference), axes, 0)
      return mul(graph, sums, graph.constant(tensor.shape[batch] / sizeOf(tensor.shape)))
    })
    .reduce((a, b) => add(graph, a, b))
}

/** The gradient of the inner product of a gradient with the direction (Pearlmutter 1994). */
function hessianProduct(from: Graph, gradient: Tensor, along: Tensor): Graph {
  const first = from.clone()
  const axes = along.shape.map((_, axis) => axis)
  const inner = reduceSum(first, mul(first, gradient, first.state(DIRECTION, along.shape)), axes, 0)
  const { graph, gradients } = differentiate(first, inner, [along])
  graph.output('product', gradients[0])
  return graph
}
