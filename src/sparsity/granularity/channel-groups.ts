/**
 * @file Channels that can only go together, found on the graph: the filters that make a channel in all layers
 * that a residual sum, a join or a depthwise convolution ties, the scales of its batch normalizations, and
 * the inputs of the next layers that read it. The heads of an attention are such groups too: the rows of
 * queries, keys and values, and the columns of the projection behind them.
 */
import { channelAxes, channelsOf } from '../../graph/channel-axes.ts'
import { channelKind } from '../../graph/channel-kind.ts'
import { ChannelSets } from '../../graph/channel-sets.ts'
import { inputRun, isChannelwise, isForAll, outputRun, type Run, weightOf } from '../../graph/channels.ts'
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

/** A network's channels, as far as pruning whole ones goes. */
export interface ChannelGroups {
  /** Those that may be removed, by first layer and channel. */
  groups: ChannelGroup[]
  /** For every layer of which channels stay, by its weight's name, why, in a sentence. */
  stay: Map<string, string>
}

/**
 * The groups of a network's channels. Channels of images and logits stay, and so do those that a layer makes
 * which is not among the `prunable` ones (names) or shares its weights, and those of operators that mix them,
 * such as a normalization over channels.
 */
export function channelGroups(model: Model, prunable: ReadonlySet<string>): ChannelGroups {
  const graph = new Graph()
  const images = graph.input('images', [1, ...model.image])
  const logits = model.build(graph, images, false)
  const { nodes, axes } = channelAxes(graph, [images])
  const channels = (tensor: Tensor) => Array.from({ length: channelsOf(tensor, axes.get(tensor)) }, (_, c) => c)
  const sets = new ChannelSets(axes)
  for (const node of nodes) if (channelKind(node, axes) !== 'mixed') sets.tie(node)
  const fixed = new Map<number, string>()
  const fix = (tensor: Tensor, reason: string) => {
    for (const c of axes.has(tensor) ? channels(tensor) : [])
      if (!fixed.has(sets.of(tensor, c))) fixed.set(sets.of(tensor, c), reason)
  }
  fix(images, 'its channels are tied to those of the images')
  fix(logits, 'its channels are outputs of the network')
  const shared = sharedWeights(nodes)
  for (const node of nodes) {
    const { operator, inputs, outputs } = node
    const weight = weightOf(node)
    inputs.forEach((tensor, i) => {
      if (axes.has(tensor) && isForAll(node, i, axes)) fix(tensor, 'its only channel acts on all channels of others')
    })
    if (channelKind(node, axes) === 'mixed')
      for (const tensor of [...inputs, outputs[0]]) fix(tensor, `${operator.name} does not keep its channels apart`)
    else if (weight && isLayer(node) && !prunable.has(weight.name))
      fix(outputs[0], `its channels are tied to those of ${weight.name}, which is not pruned`)
    else if (weight && shared.has(weight))
      for (const tensor of [inputs[0], outputs[0]]) fix(tensor, `${weight.name} is the weight of several layers`)
  }
  const groups = new Map<number, ChannelGroup>()
  const groupOf = (tensor: Tensor, channel: number): ChannelGroup => {
    const root = sets.of(tensor, channel)
    const group = groups.get(root) ?? { filters: [], rest: [] }
    groups.set(root, group)
    return group
  }
  const stay = new Map<string, string>()
  for (const node of nodes) {
    const weight = weightOf(node)
    if (!weight || !prunable.has(weight.name) || axes.get(node.inputs[0]) !== 1) continue
    const [[input], [out]] = [node.inputs, node.outputs]
    const part = (run: Run): ChannelPart => ({ parameter: weight.name, ...run })
    for (const c of channels(out)) {
      groupOf(out, c)[isLayer(node) ? 'filters' : 'rest'].push(part(outputRun(node, c)))
      const reason = fixed.get(sets.of(out, c))
      if (isLayer(node) && reason && !stay.has(weight.name)) stay.set(weight.name, reason)
    }
    if (!isChannelwise(node)) for (const c of channels(input)) groupOf(input, c).rest.push(part(inputRun(node, c)))
  }
  const removable = [...groups].filter(([root, { filters }]) => filters.length > 0 && !fixed.has(root))
  return { groups: removable.map(([, group]) => group), stay }
}

/** Weights of more than one node. */
function sharedWeights(nodes: readonly Node[]): Set<Tensor> {
  const weights = nodes.map(weightOf)
  return new Set(weights.filter((weight, i): weight is Tensor => weight !== undefined && weights.indexOf(weight) < i))
}

const isLayer = (node: Node) => node.operator.name !== 'BatchNormalization'
