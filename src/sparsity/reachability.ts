/**
 * @file Which weights of a masked network lie on a path from its input to its output. Channels are live or
 * not, without counting paths: a channel is reached where a kept weight, or an operator without weights,
 * leads to it from a reached one (the branches of shortcuts and joins are ORed), and useful where one leads
 * from it to a logit. Biases make no paths: they do not depend on the input.
 */
import { type Axes, channelAxes, channelsOf } from '../graph/channel-axes.ts'
import { channelLinks, UnknownLinks, weightLinks, weightOf } from '../graph/channels.ts'
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'

/** Where a parameter is not 0 its weights are kept; parameters that are not named are kept whole. */
export type Masks = ReadonlyMap<string, ArrayLike<number>>

export interface Reach {
  /** By name, for every masked parameter: how many of its kept weights lie on a path from input to output. */
  effective: Map<string, number>
  /** Per logit: whether a path leads to it from the input. */
  outputs: boolean[]
}

/** What is reached in a network under masks. */
export function reachOf(model: Model, masks: Masks): Reach {
  const graph = new Graph()
  const images = graph.input('images', [1, ...model.image])
  return reach(graph, images, model.build(graph, images, false), masks)
}

/**
 * As {@link reachOf}, from a tensor of a graph to another. A parameter that several nodes use counts where
 * most of it lies on paths.
 */
export function reach(graph: Graph, input: Tensor, output: Tensor, masks: Masks): Reach {
  const { axes } = channelAxes(graph, [input])
  const bits = (tensor: Tensor) => new Uint8Array(channelsOf(tensor, axes.get(tensor)))
  const live = new Map([[input, bits(input).fill(1)]])
  /** Of nodes that are reached at all, the links of each input that is. */
  const links = new Map<Node, [Tensor, Links | Every][]>()
  for (const node of graph.nodes) {
    const found = node.inputs.flatMap((tensor, i): [Tensor, Links | Every][] =>
      live.has(tensor) ? [[tensor, linksOf(node, i, axes, masks)]] : [],
    )
    if (found.length === 0) continue
    links.set(node, found)
    const reached = bits(node.outputs[0])
    for (const [tensor, linked] of found) {
      const before = live.get(tensor)!
      if (linked === EVERY) {
        if (before.includes(1)) reached.fill(1)
        continue
      }
      const { from, to } = linked
      for (let k = 0; k < from.length; k++) reached[to[k]] |= before[from[k]]
    }
    live.set(node.outputs[0], reached)
  }

  const useful = new Map([[output, bits(output).fill(1)]])
  const effective = new Map<string, number>()
  for (const [node, found] of [...links].reverse()) {
    const wanted = useful.get(node.outputs[0]) ?? bits(node.outputs[0])
    for (const [tensor, linked] of found) {
      const before = live.get(tensor)!
      if (linked === EVERY) {
        const all = useful.get(tensor) ?? bits(tensor)
        useful.set(tensor, wanted.includes(1) ? all.fill(1) : all)
        continue
      }
      const { from, to, weights } = linked
      const needed = useful.get(tensor) ?? bits(tensor)
      let on = 0
      for (let k = 0; k < from.length; k++) {
        needed[from[k]] |= wanted[to[k]]
        if (before[from[k]] & wanted[to[k]]) on += weights[k]
      }
      useful.set(tensor, needed)
      const weight = weightOf(node)
      if (weight && masks.has(weight.name)) effective.set(weight.name, Math.max(on, effective.get(weight.name) ?? 0))
    }
  }
  const outputs = live.get(output) ?? bits(output)
  return { effective, outputs: Array.from(outputs, (bit) => bit === 1) }
}

/**
 * Pairs of channels that a node connects under the masks, and by how many kept weights (0 where it has none).
 */
interface Links {
  from: number[]
  to: number[]
  weights: number[]
}

/** Every channel of an input with every one of the output. */
const EVERY = 'every'
type Every = typeof EVERY

function linksOf(node: Node, input: number, axes: Axes, masks: Masks): Links | Every {
  const links: Links = { from: [], to: [], weights: [] }
  const { from, to, weights } = links
  const add = (a: number, b: number, count: number) => {
    from.push(a)
    to.push(b)
    weights.push(count)
  }
  const weight = weightOf(node)
  if (!weight && node.operator.weight !== undefined) {
    // A weight that is computed, such as one under a mask that the model has itself: taken as whole.
    return EVERY
  }
  if (!weight) {
    try {
      channelLinks(node, input, axes, (a, b) => add(a, b, 0))
    } catch (error) {
      // Whatever it does, no path is lost in it.
      if (error instanceof UnknownLinks) return EVERY
      throw error
    }
    return links
  }
  if (input !== 0) throw new Error(`${weight.name} is multiplied with more than one input`)
  // A layer whose inputs lie along another axis than what was taken for their channels.
  if (axes.get(node.inputs[0]) !== 1) return EVERY
  const mask = masks.get(weight.name)
  weightLinks(node, (a, b, index) => {
    if (mask && mask[index] === 0) return
    const last = from.length - 1
    if (from[last] === a && to[last] === b) weights[last]++
    else add(a, b, 1)
  })
  return links
}
