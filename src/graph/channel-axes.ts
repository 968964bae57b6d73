/**
 * @file Along which axis the channels of every tensor lie. Layers make them on axis 1; transpositions move
 * them, and reshapes cut them or join them with their neighbours: the heads of an attention are the channels
 * of [samples, places, heads, size]. Everything that removes channels, or asks what is connected, reads it
 * here.
 */
import type { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/** For every tensor that depends on some inputs, the axis of its channels. */
export type Axes = ReadonlyMap<Tensor, number>

/** The nodes that depend on some inputs, in order, and the axes of those inputs and of all first outputs. */
export function channelAxes(graph: Graph, inputs: readonly Tensor[]): { nodes: Node[]; axes: Axes } {
  const paths = new ChannelPaths(graph)
  const axes = new Map(inputs.map((tensor) => [tensor, paths.first(tensor, axesOf(tensor)) ?? 1]))
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    if (!node.inputs.some((tensor) => axes.has(tensor))) continue
    nodes.push(node)
    axes.set(node.outputs[0], outputAxis(node, axes, paths))
  }
  return { nodes, axes }
}

/** All axes but that of the samples. */
const axesOf = ({ shape, batched }: Tensor) => shape.map((_, axis) => axis).filter((axis) => axis > 0 || !batched)

/** Number of channels along an axis; one where there is no such axis. */
export const channelsOf = ({ shape }: Tensor, axis = 1): number => shape[axis] ?? 1

/** The axis of an operand that meets an axis of a result with which it is broadcast; below 0: none does. */
export const alignedAxis = (x: Tensor, out: Tensor, axis: number): number => axis - out.shape.length + x.shape.length

function outputAxis(node: Node, axes: Axes, paths: ChannelPaths): number {
  const { operator, inputs, outputs, attributes } = node
  const [out] = outputs
  const given = inputs.filter((tensor) => axes.has(tensor))
  const [x] = given
  const axis = axes.get(x)!
  if (operator.weight !== undefined) return 1
  if (operator.name === 'Transpose') return attribute<Shape>(attributes, 'perm', []).indexOf(axis)
  if (operator.name === 'Reshape' || operator.name === 'Flatten') return reshapedAxis(node, axis, paths)
  const gone = reducedAxes(node)
  if (gone.includes(axis)) return usual(out)
  if (out.shape.length < x.shape.length && gone.length > 0) return axis - gone.filter((one) => one < axis).length
  // The operand with most channels says where those of the result are.
  const whole = given.reduce((a, b) => (channelsOf(b, axes.get(b)) > channelsOf(a, axes.get(a)) ? b : a))
  return axes.get(whole)! + out.shape.length - whole.shape.length
}

/** Axis 1, where there is one. */
const usual = ({ shape }: Tensor) => Math.min(1, Math.max(0, shape.length - 1))

/** The axes over which a node takes sums, means, largest or least values. */
const reducedAxes = ({ operator, attributes }: Node): Shape =>
  operator.name.startsWith('Reduce') ? attribute<Shape>(attributes, 'axes', []) : []

/**
 * Where the channels of a reshaped tensor lie. Of the axes into which they are cut it is the first along
 * which they come to the next layer, as heads do; where groups of channels are shuffled it is the longest, so
 * that as many as can be go apart.
 */
function reshapedAxis(node: Node, axis: number, paths: ChannelPaths): number {
  const [[x], [out]] = [node.inputs, node.outputs]
  const sets = (to: number) => setsOf(x.shape, axis, out.shape, to)
  const candidates = axesOf(out).filter((to) => out.shape[to] > 1 && sets(to) > 1)
  const first = paths.first(out, candidates) ?? candidates[0] ?? usual(out)
  if (!paths.isShuffled(node)) return first
  return candidates.reduce((a, b) => (sets(b) > sets(a) ? b : a), first)
}

/** What becomes of an axis of a tensor on the way to the next layers. */
class ChannelPaths {
  readonly #readers = new Map<Tensor, Node[]>()
  readonly #found = new Map<Tensor, Map<number, boolean>>()

  constructor({ nodes }: Graph) {
    for (const node of nodes)
      for (const tensor of new Set(node.inputs)) {
        const list = this.#readers.get(tensor)
        if (list) list.push(node)
        else this.#readers.set(tensor, [node])
      }
  }

  /** The first of some axes along which channels come to all layers that read the tensor. */
  first(tensor: Tensor, axes: readonly number[]): number | undefined {
    return axes.find((axis) => this.#arrives(tensor, axis))
  }

  /** Whether a reshape is the first of reshape, transposition and reshape to what was there. */
  isShuffled({ inputs: [x], outputs: [out] }: Node): boolean {
    const only = (tensor: Tensor, name: string) => {
      const list = this.#readers.get(tensor) ?? []
      return list.length === 1 && list[0].operator.name === name ? list[0].outputs[0] : undefined
    }
    const moved = only(out, 'Transpose')
    const back = moved && only(moved, 'Reshape')
    return back !== undefined && String(back.shape) === String(x.shape)
  }

  #arrives(tensor: Tensor, axis: number): boolean {
    const found = this.#found.get(tensor) ?? new Map<number, boolean>()
    this.#found.set(tensor, found)
    const known = found.get(axis)
    if (known !== undefined) return known
    const arrives = (this.#readers.get(tensor) ?? []).every((node) => this.#passes(node, tensor, axis))
    found.set(axis, arrives)
    return arrives
  }

  /** Whether channels along an axis of an input of a node come to layers, or are there at the end. */
  #passes({ operator, inputs, outputs: [out], attributes }: Node, x: Tensor, axis: number): boolean {
    if (operator.weight !== undefined) return axis === 1 && x === inputs[0]
    const { name } = operator
    if (name === 'Transpose') return this.#arrives(out, attribute<Shape>(attributes, 'perm', []).indexOf(axis))
    if (name === 'Reshape' || name === 'Flatten')
      return axesOf(out).some(
        (to) => out.shape[to] > 1 && setsOf(x.shape, axis, out.shape, to) > 1 && this.#arrives(out, to),
      )
    if (/Pool$|^BatchNormalization$/.test(name)) return axis === 1 && this.#arrives(out, 1)
    if (name === 'Softmax' && attribute(attributes, 'axis', x.shape.length - 1) === axis) return false
    const gone = reducedAxes({ operator, inputs, outputs: [out], attributes })
    if (gone.includes(axis)) return false
    const before = out.shape.length < x.shape.length ? gone.filter((one) => one < axis).length : 0
    const to = out.shape.length < x.shape.length ? axis - before : axis + out.shape.length - x.shape.length
    if (name === 'BatchMatMul' && to >= out.shape.length - 2) return false
    if (name === 'Slice' && out.shape[to] === 1 && x.shape[axis] > 1) return false
    return this.#arrives(out, to)
  }
}

/** Called for each pair of channels that share an element where a tensor of one shape is read as another. */
export function reshapedLinks(
  from: Shape,
  fromAxis: number,
  to: Shape,
  toAxis: number,
  visit: (from: number, to: number) => void,
): void {
  const [a, b] = [sizeOf(from.slice(fromAxis + 1)), sizeOf(to.slice(toAxis + 1))]
  const [m, n] = [from[fromAxis] ?? 1, to[toAxis] ?? 1]
  const step = commonDivisor(a, b)
  const whole = Math.min(sizeOf(from), ((a * m) / commonDivisor(a * m, b * n)) * b * n)
  let last = -1
  for (let at = 0; at < whole; at += step) {
    const [i, o] = [Math.floor(at / a) % m, Math.floor(at / b) % n]
    if (i * n + o !== last) visit(i, o)
    last = i * n + o
  }
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))

/** Into how many sets the channels on both sides of a reshape fall that share elements. */
function setsOf(from: Shape, fromAxis: number, to: Shape, toAxis: number): number {
  const m = from[fromAxis] ?? 1
  const parents = Array.from({ length: m + to[toAxis] }, (_, i) => i)
  const root = (i: number): number => {
    while (parents[i] !== i) i = parents[i] = parents[parents[i]]
    return i
  }
  let sets = parents.length
  reshapedLinks(from, fromAxis, to, toAxis, (i, o) => {
    const [a, b] = [root(i), root(m + o)]
    if (a !== b) sets--
    parents[b] = a
  })
  return sets
}
