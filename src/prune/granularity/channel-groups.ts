/**
 * @file Channels that can only go together, found on the graph: the filters that make a channel in all layers that a residual sum, a join or a depthwise
 * convolution ties, the scales of its batch normalizations, and the inputs of the next layers that read it.
 */
import {
  channelLinks,
  channelsOf,
  inputRun,
  isChannelwise,
  outputRun,
  type Run,
  weightLinks,
  weightOf,
} from '../../graph/channels.ts'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'

export interface ChannelPart extends Run {
  parameter: string
}

export interface ChannelGroup {
  /** The weights that make the channel: one filter in each layer that is tied. The first has its layer's name. */
  filters: ChannelPart[]
  /** What else is of no use without it: scales of normalizations, inputs of the next layers. */
  rest: ChannelPart[]
}

/**
 * The groups of a network's channels that may be removed, by first layer and channel. Channels of images and logits stay, and so do those that a layer
 * makes which is not among the `prunable` ones (names).
 */
export function channelGroups(model: Model, prunable: ReadonlySet<string>): ChannelGroup[] {
  const graph = new Graph()
  const images = graph.input('images', [1, ...model.image])
  const logits = model.build(graph, images, false)
  const { find, join, place } = channelSets(graph, images)
  const data = (tensor: Tensor) => place(tensor, 0) !== undefined
  const nodes = graph.nodes.filter(({ inputs }) => inputs.some(data))
  for (const node of nodes) {
    const [out] = node.outputs
    if (isChannelwise(node)) weightLinks(node, (from, to) => join(place(node.inputs[0], from)!, place(out, to)!))
    else if (!weightOf(node))
      node.inputs.forEach((tensor, i) => {
        if (data(tensor)) channelLinks(node, i, (from, to) => join(place(tensor, from)!, place(out, to)!))
      })
  }

  const fixed = new Set([images, logits].flatMap((tensor) => channels(tensor).map((c) => find(place(tensor, c)!))))
  const groups = new Map<number, ChannelGroup>()
  const groupOf = (tensor: Tensor, channel: number): ChannelGroup => {
    const root = find(place(tensor, channel)!)
    const group = groups.get(root) ?? { filters: [], rest: [] }
    groups.set(root, group)
    return group
  }
  for (const node of nodes) {
    const weight = weightOf(node)
    if (!weight) continue
    const [[input], [out]] = [node.inputs, node.outputs]
    const part = (run: Run): ChannelPart => ({ parameter: weight.name, ...run })
    const isPrunable = prunable.has(weight.name)
    for (const c of channels(out)) {
      if (isLayer(node) && !isPrunable) fixed.add(find(place(out, c)!))
      if (isPrunable) groupOf(out, c)[isLayer(node) ? 'filters' : 'rest'].push(part(outputRun(node, c)))
    }
    if (isPrunable && !isChannelwise(node))
      for (const c of channels(input)) groupOf(input, c).rest.push(part(inputRun(node, c)))
  }
  return [...groups].filter(([root, { filters }]) => filters.length > 0 && !fixed.has(root)).map(([, group]) => group)
}

const isLayer = (node: Node) => node.operator.name !== 'BatchNormalization'
const channels = (tensor: Tensor) => Array.from({ length: channelsOf(tensor) }, (_, c) => c)

/** Sets of channels of all tensors that depend on the input (union-find); `place` is a channel's number, undefined for other tensors. */
function channelSets(graph: Graph, images: Tensor) {
  const firsts = new Map<Tensor, number>()
  let count = 0
  const add = (tensor: Tensor) => {
    firsts.set(tensor, count)
    count += channelsOf(tensor)
  }
  add(images)
  for (const { inputs, outputs } of graph.nodes) if (inputs.some((tensor) => firsts.has(tensor))) add(outputs[0])
  const parents = Int32Array.from({ length: count }, (_, i) => i)
  const find = (i: number): number => {
    let root = i
    while (parents[root] !== root) root = parents[root] = parents[parents[root]]
    return root
  }
  return {
    find,
    join: (a: number, b: number) => {
      parents[find(b)] = find(a)
    },
    place: (tensor: Tensor, channel: number) => {
      const first = firsts.get(tensor)
      return first === undefined ? undefined : first + channel
    },
  }
}
