/**
 * @file Channels that can only go together, found on the graph: the filters that make a channel in all layers
 * that a residual sum, a join or a depthwise convolution ties, the scales of its batch normalizations, and
 * the inputs of the next layers that read it.
 */
import { ChannelSets } from '../../graph/channel-sets.ts'
import {
  channelsOf,
  dependents,
  inputRun,
  isChannelwise,
  outputRun,
  type Run,
  UnknownLinks,
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
  /**
   * The weights that make the channel: one filter in each layer that is tied. The first has its layer's name.
   */
  filters: ChannelPart[]
  /** What else is of no use without it: scales of normalizations, inputs of the next layers. */
  rest: ChannelPart[]
}

/**
 * The groups of a network's channels that may be removed, by first layer and channel. Channels of images and
 * logits stay, and so do those that a layer makes which is not among the `prunable` ones (names), and those
 * of operators that are not known to keep channels apart, such as attention.
 */
export function channelGroups(model: Model, prunable: ReadonlySet<string>): ChannelGroup[] {
  const graph = new Graph()
  const images = graph.input('images', [1, ...model.image])
  const logits = model.build(graph, images, false)
  const { nodes, tensors } = dependents(graph, [images])
  const sets = new ChannelSets(tensors)
  const mixed = nodes.filter((node) => !isTied(node, sets)).flatMap(({ inputs, outputs }) => [...inputs, outputs[0]])
  const staying = [images, logits, ...mixed].filter((tensor) => sets.has(tensor))
  const fixed = new Set(staying.flatMap((tensor) => channels(tensor).map((c) => sets.of(tensor, c))))
  const groups = new Map<number, ChannelGroup>()
  const groupOf = (tensor: Tensor, channel: number): ChannelGroup => {
    const root = sets.of(tensor, channel)
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
      if (isLayer(node) && !isPrunable) fixed.add(sets.of(out, c))
      if (isPrunable) groupOf(out, c)[isLayer(node) ? 'filters' : 'rest'].push(part(outputRun(node, c)))
    }
    if (isPrunable && !isChannelwise(node))
      for (const c of channels(input)) groupOf(input, c).rest.push(part(inputRun(node, c)))
  }
  return [...groups].filter(([root, { filters }]) => filters.length > 0 && !fixed.has(root)).map(([, group]) => group)
}

/** Ties the channels of a node where it is known how they hang together. */
function isTied(node: Node, sets: ChannelSets): boolean {
  try {
    sets.tie(node)
    return true
  } catch (error) {
    if (error instanceof UnknownLinks) return false
    throw error
  }
}

const isLayer = (node: Node) => node.operator.name !== 'BatchNormalization'
const channels = (tensor: Tensor) => Array.from({ length: channelsOf(tensor) }, (_, c) => c)
