/**
 * @file Gradients kept apart by sample, and the sum of their squares: what empirical Fisher methods ask for.
 * The backward pass is the ordinary one; only its last nodes, which sum over the batch, are replaced by ones
 * that do not.
 */
import { differentiate } from './differentiate.ts'
import type { Graph } from './graph.ts'
import { type Node, ShapeError } from './operator.ts'
import { ConvSampleGrads, ConvSampleSquares } from './operators/conv.ts'
import { add, mul } from './operators/elementwise.ts'
import { scatter } from './operators/gather.ts'
import { gemm } from './operators/linear.ts'
import { expand, reduceSum, reshape } from './operators/shape.ts'
import { type Shape, sameShape, type Tensor } from './tensor.ts'

export interface PerSample<Result = Tensor> {
  /** The given graph followed by the nodes of the gradients. */
  graph: Graph
  /** gradients [N, ...shape of wrt[i]], or squares [shape of wrt[i]]. */
  results: Result[]
  /**
   * Their sums over the batch, of the shape of wrt[i]: what an ordinary backward pass gives. They cost
   * nothing where nothing reads them.
   */
  sums: Tensor[]
}

/**
 * The gradients of all samples with respect to a parameter: [N, ...shape], or where those are rank one (the
 * weight of a linear layer), the factors [N, P] and [N, Q] of gradient[n][p][q] = left[n][p] right[n][q],
 * which are far smaller.
 */
export type SampleGradients = { values: Tensor } | { left: Tensor; right: Tensor }

/** The gradient of each sample's own loss (losses [N]) with respect to some parameters: [N, ...shape]. */
export function perSampleGradients(from: Graph, losses: Tensor, wrt: readonly Tensor[]): PerSample {
  return replaceSums(from, losses, wrt, (graph, maker, gradient) => sampleGradients(graph, maker, gradient))
}

/** Like {@link perSampleGradients}, with rank-one gradients left as factors. */
export function perSampleFactors(from: Graph, losses: Tensor, wrt: readonly Tensor[]): PerSample<SampleGradients> {
  return replaceSums(from, losses, wrt, (graph, maker, gradient): SampleGradients => {
    const node = maker(gradient)
    const product = node && outerProduct(node)
    if (product) return { left: product[0], right: product[1] }
    return { values: sampleGradients(graph, maker, gradient) }
  })
}

/**
 * The sum over samples of the square of each sample's gradient: N times the diagonal of the empirical Fisher
 * matrix. At about the cost of an ordinary backward pass, and without holding the gradients of all samples.
 * Where the `sums` are read as well, convolutions compute both at once.
 */
export function perSampleSquares(from: Graph, losses: Tensor, wrt: readonly Tensor[]): PerSample {
  return replaceSums(from, losses, wrt, (graph, maker, gradient) => {
    const node = maker(gradient)
    if (node?.operator.name === 'ConvWeightGrad') return graph.apply(ConvSampleSquares, node.inputs, node.attributes)[0]
    const product = node && outerProduct(node)
    // (d a)^2 summed over samples is a product of squares: one matrix product.
    if (product) {
      const [left, right] = product.map((tensor) => mul(graph, tensor, tensor))
      return gemm(graph, left, right, { transA: 1 })
    }
    const apart = sampleGradients(graph, maker, gradient)
    return reduceSum(graph, mul(graph, apart, apart), [0], 0)
  })
}

type Maker = (tensor: Tensor) => Node | undefined

function replaceSums<Result>(
  from: Graph,
  losses: Tensor,
  wrt: readonly Tensor[],
  replace: (graph: Graph, maker: Maker, gradient: Tensor) => Result,
): PerSample<Result> {
  const coupled = from.nodes.find(({ operator }) => operator.name === 'BatchNormTrain')
  if (coupled)
    throw new Error(
      'per-sample gradients are not defined while batch normalization uses the statistics of the batch: build the network for inference',
    )
  const summed = from.clone()
  const { graph, gradients } = differentiate(summed, reduceSum(summed, losses, [0], 0), wrt)
  const makers = new Map<Tensor, Node>()
  for (const node of graph.nodes) for (const output of node.outputs) makers.set(output, node)
  const [samples] = losses.shape
  const maker = (tensor: Tensor) => {
    const node = makers.get(tensor)
    if (node && sumsOverSamples(node) && node.inputs[0].shape[0] !== samples)
      throw new ShapeError(
        `gradients of single samples are not known where a network runs its ${samples} samples one by one, or joins them (${tensor.name})`,
      )
    return node
  }
  const results = gradients.map((gradient) => replace(graph, maker, gradient))
  return { graph, results, sums: gradients }
}

const sumsOverSamples = ({ operator, inputs, attributes }: Node) =>
  operator.name === 'ConvWeightGrad' ||
  (operator.name === 'Gemm' && attributes.transA === 1) ||
  (operator.name === 'ReduceSum' && inputs[0].batched)

/** A gradient that was summed over the batch, kept apart instead: [N, ...shape]. */
function sampleGradients(graph: Graph, maker: Maker, gradient: Tensor): Tensor {
  const node = maker(gradient)
  if (!node) throw new Error(`per-sample gradients: ${gradient.name} does not come from the batch`)
  const { operator, inputs, attributes } = node
  if (operator.name === 'ConvWeightGrad') return graph.apply(ConvSampleGrads, inputs, attributes)[0]
  if (operator.name === 'Reshape') {
    const apart = sampleGradients(graph, maker, inputs[0])
    return reshape(graph, apart, [apart.shape[0], ...gradient.shape], true)
  }
  if (operator.name === 'Add')
    return add(graph, sampleGradients(graph, maker, inputs[0]), sampleGradients(graph, maker, inputs[1]))
  const product = outerProduct(node)
  if (product) return outer(graph, product[0], product[1])
  const axes = attributes.axes as Shape | undefined
  if (operator.name === 'ReduceSum' && inputs[0].batched && axes?.includes(0)) {
    const others = axes.filter((axis) => axis !== 0)
    const [samples] = inputs[0].shape
    const apart = others.length ? reduceSum(graph, inputs[0], others) : inputs[0]
    return reshape(graph, apart, [samples, ...gradient.shape], true)
  }
  const table = tableGradients(graph, maker, node)
  if (table) return table
  throw new Error(`per-sample gradients through ${operator.name} are not defined`)
}

/**
 * The gradients [N, rows, width] of a table [rows, width] in which every sample looks up the same number of
 * rows: the ordinary pass adds the gradients [N * lookups, width] of all samples' rows into one table, which
 * here are put into a table of each sample's own. Undefined where a node does something else.
 */
function tableGradients(graph: Graph, maker: Maker, { operator, inputs, attributes }: Node): Tensor | undefined {
  const [index, updates, into] = inputs
  if (operator.name !== 'Scatter' || into || attributes.axis !== 0 || attributes.reduction !== 'add') return undefined
  const [places, rows] = [index, updates].map((tensor) => joinedSamples(maker, tensor))
  if (!places || !rows || updates.shape.length !== 2 || index.shape.length !== 1) return undefined
  const [samples, width] = [rows.shape[0], updates.shape[1]]
  if (places.shape[0] !== samples) return undefined
  const lookups = index.shape[0] / samples
  const apart = reshape(graph, rows, [samples, lookups, width], true)
  const each = expand(graph, reshape(graph, places, [samples, lookups, 1], true), [samples, lookups, width], true)
  return scatter(graph, each, apart, 1, { size: Number(attributes.size), reduction: 'add' })
}

/** What a tensor without an axis of samples was before reshapes joined that axis to others. */
function joinedSamples(maker: Maker, tensor: Tensor): Tensor | undefined {
  let from = tensor
  while (!from.batched) {
    const node = maker(from)
    if (node?.operator.name !== 'Reshape') return undefined
    from = node.inputs[0]
  }
  return from === tensor ? undefined : from
}

/** The two [N, ...] factors of a matrix product over the batch, A' B; undefined for other nodes. */
function outerProduct({ operator, inputs: [a, b], attributes }: Node): [Tensor, Tensor] | undefined {
  const overBatch =
    operator.name === 'Gemm' && attributes.transA === 1 && attributes.transB !== 1 && a.batched && b.batched
  return overBatch ? [a, b] : undefined
}

/** [N, P] and [N, Q] to [N, P, Q]. */
function outer(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [n, p, q] = [a.shape[0], a.shape[1], b.shape[1]]
  const spread = (tensor: Tensor, shape: Shape) =>
    sameShape(tensor.shape, shape) ? tensor : reshape(graph, tensor, shape, true)
  return mul(graph, expand(graph, spread(a, [n, p, 1]), [n, p, q], true), spread(b, [n, 1, q]))
}
