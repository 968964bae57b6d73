/**
 * @file Quantization-aware training (Jacob et al. 2018): a model whose weights and inputs of layers are
 * rounded to eight bits on the way, with the gradient of the identity (the straight-through estimator of
 * Bengio et al. 2013). The parameters stay floats, and learn what their rounded values do:
 *
 *     w' = s round(w / s),  s = max |w| / 127                              over the weights of an output
 *     x' = s (clip(round(x / s) + z, 0, 255) - z),  s = (max x - min x) / 255,  z = round(-min x / s)
 *
 * over all values of a batch, zero among them. Steps are constants to the gradient. A weight that is zero is
 * zero rounded, so that masks hold.
 */
import { Graph } from '../graph/graph.ts'
import type { Builder, Node } from '../graph/operator.ts'
import { div, maximum, minimum } from '../graph/operators/arithmetic.ts'
import { abs, add, clip, mul, neg, sub } from '../graph/operators/elementwise.ts'
import { round, roundThrough } from '../graph/operators/functions.ts'
import { transposes } from '../graph/operators/linear.ts'
import { reduceMax, reduceMin } from '../graph/operators/reductions.ts'
import { replay, twinOf } from '../graph/replay.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'

/** The same network with rounding; its parameters have the same names. */
export const roundedModel = (model: Model): Model => ({
  ...model,
  exact: model,
  build: (graph, images, training) => {
    const exact = new Graph()
    const input = exact.input('images', images.shape, { batched: images.batched })
    const scores = model.build(exact, input, training)
    const known = new Map([[input, images]])
    for (const { name, shape, bytes, saved, beside, ...tensor } of exact.withRole('state'))
      known.set(exact.tensors.get(name)!, graph.state(name, shape, { ...tensor, bytes, saved, beside }))
    for (const tensor of exact.stored()) twinOf(graph, tensor, known)
    const rounded = new Set<Tensor>()
    const once = (tensor: Tensor, rule: (graph: Builder, x: Tensor) => Tensor) => {
      if (!rounded.has(tensor)) known.set(tensor, rule(graph, twinOf(graph, tensor, known)))
      rounded.add(tensor)
    }
    for (const node of exact.nodes) {
      const axis = outputAxis(node)
      if (axis !== undefined) {
        once(node.inputs[0], roundedValues)
        once(node.inputs[1], (to, weight) => roundedWeight(to, weight, axis))
      }
      replay(graph, [node], known)
    }
    return known.get(scores)!
  },
})

/** The axis of a layer's weight that runs over its outputs; undefined of what is no layer that is rounded. */
function outputAxis({ operator, inputs, attributes }: Node): number | undefined {
  if (operator.weight !== 1 || inputs[1].role !== 'parameter') return undefined
  if (operator.name === 'Conv') return 0
  if (operator.name === 'Gemm') return transposes(attributes).transB ? 0 : 1
  return operator.name === 'MatMul' && inputs[1].shape.length === 2 ? 1 : undefined
}

function roundedWeight(graph: Builder, weight: Tensor, axis: number): Tensor {
  const others = weight.shape.map((_, i) => i).filter((i) => i !== axis)
  const step = mul(graph, reduceMax(graph, abs(graph, weight), others, 1), graph.constant(1 / 127))
  const fixed = constantOf(graph, step)
  return mul(graph, roundThrough(graph, div(graph, weight, fixed)), fixed)
}

function roundedValues(graph: Builder, x: Tensor): Tensor {
  const axes = x.shape.map((_, i) => i)
  const none = graph.constant(0)
  const least = minimum(graph, reduceMin(graph, x, axes, 0), none)
  const most = maximum(graph, reduceMax(graph, x, axes, 0), none)
  const step = constantOf(graph, mul(graph, sub(graph, most, least), graph.constant(1 / 255)))
  const zero = round(graph, div(graph, neg(graph, least), step))
  const codes = clip(graph, add(graph, roundThrough(graph, div(graph, x, step)), zero), 0, 255)
  return mul(graph, sub(graph, codes, zero), step)
}

/** Floats from this on are whole numbers. */
const WHOLE = 2 ** 24
/** The least step: what is smaller has no inverse among float32. */
const LEAST = 2 ** -60

/**
 * A step, at least 2^-60, that is a constant to the gradient: as a multiple of 2^-84 it is a whole number,
 * so that rounding, through which nothing flows back, leaves it as it is.
 */
function constantOf(graph: Builder, step: Tensor): Tensor {
  const unit = LEAST / WHOLE
  const positive = maximum(graph, step, graph.constant(LEAST))
  return mul(graph, round(graph, mul(graph, positive, graph.constant(1 / unit))), graph.constant(unit))
}
