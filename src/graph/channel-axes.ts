/**
 * @file Along which axis the channels of every tensor lie. Layers make them on axis 1; transpositions move
 * them, and reshapes cut them or join them with their neighbours: the heads of an attention are the channels of
 * [samples, places, heads, size]. Everything that removes channels, or asks what is connected, reads it here.
 */
import type { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/** For every tensor that depends on some inputs, the axis of its channels. */
export type Axes = ReadonlyMap<Tensor, number>

/** The nodes that depend on some inputs, in order, and the axes of those inputs and of all first outputs. */
export function channelAxes(graph: Graph, inputs: readonly Tensor[]): { nodes: Node[]; axes: Axes } {
  const readers = readersOf(graph)
  const axes = new Map(inputs.map((tensor) => [tensor, readAxis(tensor, readers) ?? 1]))
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    if (!node.inputs.some((tensor) => axes.has(tensor))) continue
    nodes.push(node)
    axes.set(node.outputs[0], outputAxis(node, axes, readers))
  }
  return { nodes, axes }
}

/** Number of channels along an axis; one where there is no such axis. */
export const channelsOf = ({ shape }: Tensor, axis = 1): number => shape[axis] ?? 1

/** The axis of an operand that meets an axis of a result with which it is broadcast; below 0: none does. */
export const alignedAxis = (x: Tensor, out: Tensor, axis: number): number => axis - out.shape.length + x.shape.length

type Readers = ReadonlyMap<Tensor, readonly Node[]>

function readersOf({ nodes }: Graph): Readers {
  const readers = new Map<Tensor, Node[]>()
  for (const node of nodes)
    for (const tensor of new Set(node.inputs)) {
      const list = readers.get(tensor)
      if (list) list.push(node)
      else readers.set(tensor, [node])
    }
  return readers
}

/** The axis that the first layer behind a tensor takes for its channels; undefined: no layer says it. */
function readAxis(tensor: Tensor, readers: Readers, seen = new Set<Tensor>()): number | undefined {
  if (seen.has(tensor)) return undefined
  seen.add(tensor)
  for (const node of readers.get(tensor) ?? []) {
    const [out] = node.outputs
    if (node.operator.weight !== undefined) return 1
    const axis = readAxis(out, readers, seen)
    if (axis === undefined) continue
    if (node.operator.name === 'Transpose') return attribute<Shape>(node.attributes, 'perm', [])[axis]
    if (out.shape.length === tensor.shape.length) return axis
  }
  return undefined
}

function outputAxis(node: Node, axes: Axes, readers: Readers): number {
  const { operator, inputs, outputs, attributes } = node
  const [out] = outputs
  const given = inputs.filter((tensor) => axes.has(tensor))
  const [x] = given
  const axis = axes.get(x)!
  if (operator.weight !== undefined) return 1
  if (operator.name === 'Transpose') return attribute<Shape>(attributes, 'perm', []).indexOf(axis)
  if (operator.name === 'Reshape' || operator.name === 'Flatten') return reshapedAxis(node, axis, readers)
  if (attribute<number>(attributes, 'keepdims', 1) === 0) {
    const gone = attribute<Shape>(attributes, 'axes', [])
    return gone.includes(axis) ? usual(out) : axis - gone.filter((one) => one < axis).length
  }
  // The operand with most channels says where those of the result are.
  const whole = given.reduce((a, b) => (channelsOf(b, axes.get(b)) > channelsOf(a, axes.get(a)) ? b : a))
  return axes.get(whole)! + out.shape.length - whole.shape.length
}

/** Axis 1, where there is one. */
const usual = ({ shape }: Tensor) => Math.min(1, Math.max(0, shape.length - 1))

/**
 * Where the channels of a reshaped tensor lie. Of the axes into which they are cut it is the first, as heads
 * are; where groups of channels are shuffled it is the longest, so that as many as can be go apart.
 */
function reshapedAxis(node: Node, axis: number, readers: Readers): number {
  const [[x], [out]] = [node.inputs, node.outputs]
  const sets = (to: number) => setsOf(x.shape, axis, out.shape, to)
  const candidates = out.shape.map((_, to) => to).filter((to) => out.shape[to] > 1 && !(out.batched && to === 0))
  const first = candidates.find((to) => sets(to) > 1) ?? usual(out)
  if (!isShuffled(node, readers)) return first
  return candidates.reduce((a, b) => (sets(b) > sets(a) ? b : a), first)
}

/** Whether a reshape is the first of reshape, transposition and reshape to what was there. */
function isShuffled({ inputs: [x], outputs: [out] }: Node, readers: Readers): boolean {
  const only = (tensor: Tensor, name: string) => {
    const list = readers.get(tensor) ?? []
    return list.length === 1 && list[0].operator.name === name ? list[0].outputs[0] : undefined
  }
  const moved = only(out, 'Transpose')
  const back = moved && only(moved, 'Reshape')
  return back !== undefined && String(back.shape) === String(x.shape)
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
