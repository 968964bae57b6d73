/**
 * @file Whether the samples of a batch stay apart in a graph: where those of every tensor lie, followed from
 * node to node. No values are computed, so that the answer costs nothing, whatever the size of the network.
 *
 * Of a tensor of size `before` x N x `after`, row-major, element i belongs to sample floor(i / after) mod N.
 * A reshape leaves that as it is; every other operator is asked along which axis the samples lie.
 */
import type { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { transposes } from './operators/linear.ts'
import { type Shape, sameShape, sizeOf, type Tensor } from './tensor.ts'

/** Operators that compute every element of elements at the same place, with NumPy's broadcasting. */
const ELEMENTWISE = new Set(
  (
    'Abs Add Atan Ceil Clip Cos Div Equal Erf Exp Expand Floor Fmod Less LessOrEqual Log Max Min Mul Neg ' +
    'Pow Reciprocal Relu Round Sigmoid Sign Sin Sqrt Sub Tanh Trunc Where'
  ).split(' '),
)

/** The axis that samples are (a part of), and how many places of it follow each other in one sample. */
interface Place {
  axis: number
  inner: number
}

const below = (shape: Shape, axis: number) => sizeOf(shape.slice(axis + 1))

/** Where the samples of every tensor lie that depends on them. */
export class SamplePaths {
  /** The first node that mixes samples, or leaves some of them out; undefined: none does. */
  readonly mixing?: Node
  readonly #batch: number
  /** By tensor: how many elements of one sample follow each other. */
  readonly #after = new Map<Tensor, number>()

  /** `samples` [N, ...]; N should be no other size of the network. */
  constructor({ nodes }: Graph, samples: Tensor) {
    this.#batch = samples.shape[0]
    this.#after.set(samples, below(samples.shape, 0))
    for (const node of nodes) {
      if (!node.inputs.some((tensor) => this.#after.has(tensor))) continue
      const after = node.outputs.map((output) => this.#through(node, output))
      if (after.includes(undefined)) {
        this.mixing = node
        return
      }
      node.outputs.forEach((output, i) => {
        this.#after.set(output, after[i]!)
      })
    }
  }

  /** The axis that is the samples of a tensor; undefined where no axis is, or where it has none. */
  axisOf(tensor: Tensor): number | undefined {
    const place = this.#placeOf(tensor)
    return place && tensor.shape[place.axis] === this.#batch ? place.axis : undefined
  }

  #placeOf(tensor: Tensor): Place | undefined {
    const after = this.#after.get(tensor)
    const { shape } = tensor
    const axis = after === undefined ? -1 : shape.findLastIndex((n, i) => below(shape, i) * n > after)
    if (axis < 0) return undefined
    const inner = after! / below(shape, axis)
    return Number.isInteger(inner) && shape[axis] % (inner * this.#batch) === 0 ? { axis, inner } : undefined
  }

  /** How many elements of one sample follow each other in an output; undefined: samples do not stay apart. */
  #through(node: Node, output: Tensor): number | undefined {
    const { operator, inputs } = node
    if (operator.name === 'Reshape' || operator.name === 'Flatten') return this.#after.get(inputs[0])
    const found = new Set<number | undefined>()
    inputs.forEach((tensor, i) => {
      const after = this.#after.get(tensor)
      if (after === undefined) return
      if (ELEMENTWISE.has(operator.name) && sameShape(tensor.shape, output.shape)) found.add(after)
      else {
        const place = this.#placeOf(tensor)
        const axis = place && axisThrough(node, i, output, place.axis)
        const kept = axis !== undefined && axis >= 0 && output.shape[axis] === tensor.shape[place!.axis]
        found.add(kept ? place!.inner * below(output.shape, axis) : undefined)
      }
    })
    const [only] = found
    return found.size === 1 ? only : undefined
  }
}

/** The axis of an output along which the samples of an input lie; undefined, or a size that differs: none. */
function axisThrough(node: Node, i: number, output: Tensor, axis: number): number | undefined {
  const { operator, inputs, attributes } = node
  const { shape } = inputs[i]
  const along = attribute<number>(attributes, 'axis', operator.name === 'Softmax' ? shape.length - 1 : 0)
  if (ELEMENTWISE.has(operator.name)) return axis + output.shape.length - shape.length
  switch (operator.name) {
    case 'Transpose':
      return attribute<Shape>(attributes, 'perm', []).indexOf(axis)
    case 'ReduceSum':
    case 'ReduceMean':
    case 'ReduceMax':
    case 'ReduceMin':
    case 'ReduceProd':
      return reducedAxis(node, axis)
    case 'Slice':
    case 'Place':
      return axis
    case 'Softmax':
    case 'Resample':
    case 'TopK':
    case 'Concat':
      return axis === along ? undefined : axis
    case 'Gather':
    case 'Scatter':
      return gatheredAxis(node, i, axis, along)
    case 'Gemm':
    case 'MatMul':
    case 'BatchMatMul':
      return productAxis(node, i, axis)
    default:
      // All others compute what lies along axis 0 of a first input over samples one beside the other.
      return i === 0 && axis === 0 && inputs[0].batched && output.batched ? 0 : undefined
  }
}

function reducedAxis({ attributes }: Node, axis: number): number | undefined {
  const gone = attribute<Shape>(attributes, 'axes', [])
  if (gone.includes(axis)) return undefined
  return attribute<number>(attributes, 'keepdims', 1) ? axis : axis - gone.filter((one) => one < axis).length
}

/** Of values moved along an axis, to or from places that are one list for all, or as many as values. */
function gatheredAxis({ operator, inputs }: Node, i: number, axis: number, along: number): number | undefined {
  const at = operator.name === 'Gather' ? 1 : 0
  const isList = inputs[at].shape.length === 1
  // A row of a table for each place of a list; a list that puts values somewhere may name any place.
  if (i === at && isList) return operator.name === 'Gather' ? along : undefined
  return axis === along ? (i === at && operator.name === 'Gather' ? axis : undefined) : axis
}

/** Rows of the first factor are those of a product, columns of the second its columns. */
function productAxis({ inputs, outputs: [y], attributes }: Node, i: number, axis: number): number | undefined {
  const rank = y.shape.length
  const fromEnd = axis - inputs[i].shape.length
  if (i > 1) return rank + fromEnd
  if (fromEnd < -2) return rank + fromEnd
  const { transA, transB } = transposes(attributes)
  const kept = i === 0 ? (transA ? -1 : -2) : transB ? -2 : -1
  return fromEnd === kept ? rank - 2 + i : undefined
}
