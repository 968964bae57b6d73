/**
 * @file A smaller network with the same outputs: channels go that nothing needs, all that are tied together
 * at once. A channel is not needed where zero weights read it, where nothing that depends on it reaches an
 * output, or where it is a constant that the bias of every layer that reads it can take up.
 */
import { type Axes, channelAxes, channelsOf } from './channel-axes.ts'
import { channelKind, isGrouped } from './channel-kind.ts'
import { ChannelSets } from './channel-sets.ts'
import { weightOf } from './channels.ts'
import { type Constants, constantChannels } from './constant-channels.ts'
import type { Values } from './fold-batch-norm.ts'
import type { Graph } from './graph.ts'
import { keepChannels, type Smaller } from './keep-channels.ts'
import { type Needed, neededChannels } from './needed-channels.ts'
import type { Node } from './operator.ts'
import { sizeOf, type Tensor } from './tensor.ts'

/** Why channels stay that are constant or that nothing needs; the first that is true is said. */
export const reasons = {
  output: 'outputs of the network',
  input: 'tied to the images',
  shared: 'of layers that share their weights',
  mixed: 'part of an operator that is not known to keep channels apart',
  grouped: 'in a group of a convolution with a channel that varies',
  tied: 'tied to a channel that varies',
  padded: 'not zero, and read by a convolution with padding',
  fixed: 'fixed by an operator of the file that cannot change',
  multiple: 'kept for the multiple that was asked for',
  last: 'the last of their layer',
} as const
export type Reason = keyof typeof reasons

export interface CompactLayer {
  /** Its weight. */
  name: string
  outputs: { before: number; after: number }
  inputs: { before: number; after: number }
  /** Outputs that are constant or not needed and are still there, by reason. */
  stay: Partial<Record<Reason, number>>
}

export interface Compacted extends Smaller {
  /** In execution order. */
  layers: CompactLayer[]
}

export interface CompactOptions {
  /** Channels of a layer are kept in multiples of it, where it has as many. Default 1. */
  multipleOf?: number
  /** Nodes whose inputs and outputs keep all channels. Default: none. */
  fixed?: ReadonlySet<Node>
}

export function compact(
  graph: Graph,
  values: Values,
  { multipleOf = 1, fixed = new Set() }: CompactOptions = {},
): Compacted {
  const constants = constantChannels(graph, values)
  const needed = neededChannels(graph, values, constants)
  const { nodes, axes } = channelAxes(graph, graph.withRole('input'))
  const sets = new ChannelSets(axes)
  for (const node of nodes) if (channelKind(node, axes) !== 'mixed') sets.tie(node)
  const stays = reasonsToStay(graph, sets, constants, { needed, fixed })
  if (multipleOf > 1) fillMultiples(axes, sets, stays, multipleOf)
  const kept = new Map(
    [...axes].map(([tensor, axis]) => [tensor, channels(tensor, axis).filter((c) => stays.has(sets.of(tensor, c)))]),
  )
  const layers = [...firstReaders(nodes)].map(({ inputs: [x, weight], outputs: [y] }): CompactLayer => {
    // A layer whose inputs lie along another axis keeps all of them.
    const isCut = (tensor: Tensor) => axes.get(tensor) === 1
    const size = (tensor: Tensor) => {
      const before = channelsOf(tensor)
      return { before, after: isCut(tensor) ? kept.get(tensor)!.length : before }
    }
    const stay: CompactLayer['stay'] = {}
    for (const c of kept.get(y)!) {
      if (Number.isNaN(constants.get(y)![c]) && needed.get(y)![c]) continue
      const reason = stays.get(sets.of(y, c))!
      stay[reason] = (stay[reason] ?? 0) + 1
    }
    return { name: weight.name, outputs: size(y), inputs: size(x), stay }
  })
  return { ...keepChannels(graph, values, { axes, kept, constants }), layers }
}

/** Of every weight the first layer that reads it: steps of a recurrent layer are one. */
function firstReaders(nodes: readonly Node[]): Iterable<Node> {
  const readers = new Map<Tensor, Node>()
  for (const node of nodes) {
    const weight = node.operator.weight !== undefined && weightOf(node)
    if (weight && !readers.has(weight)) readers.set(weight, node)
  }
  return readers.values()
}

const channels = (tensor: Tensor, axis: number) => Array.from({ length: channelsOf(tensor, axis) }, (_, c) => c)

/** The sets of channels that must stay. */
function reasonsToStay(
  graph: Graph,
  sets: ChannelSets,
  constants: Constants,
  { needed, fixed }: { needed: Needed; fixed: ReadonlySet<Node> },
): Map<number, Reason> {
  const inputs = graph.withRole('input')
  const { nodes, axes } = channelAxes(graph, inputs)
  const stays = new Map<number, Reason>()
  const keep = (tensor: Tensor, channel: number, reason: Reason) => {
    const set = sets.of(tensor, channel)
    if (!stays.has(set)) stays.set(set, reason)
  }
  const all = (tensor: Tensor) => channels(tensor, axes.get(tensor)!)
  const keepAll = (list: Iterable<Tensor>, reason: Reason) => {
    for (const tensor of list) for (const c of axes.has(tensor) ? all(tensor) : []) keep(tensor, c, reason)
  }
  keepAll(graph.outputs.values(), 'output')
  keepAll(inputs, 'input')
  const shared = sharedTensors(graph)
  const whole: [Reason, (node: Node) => boolean][] = [
    ['fixed', (node) => fixed.has(node)],
    ['shared', (node) => node.inputs.some((tensor) => !axes.has(tensor) && shared.has(tensor))],
    ['mixed', (node) => channelKind(node, axes) === 'mixed'],
  ]
  for (const [reason, isWhole] of whole)
    for (const node of nodes) if (isWhole(node)) keepAll([...node.inputs, node.outputs[0]], reason)
  const inGroups = new Set(
    nodes.filter(isGrouped).flatMap(({ outputs: [out] }) => all(out).map((c) => sets.of(out, c))),
  )
  for (const reason of ['tied', 'padded'] as const)
    for (const tensor of axes.keys())
      for (const c of all(tensor)) {
        const varies = Number.isNaN(constants.get(tensor)![c])
        const isGroup = reason === 'tied' && inGroups.has(sets.of(tensor, c))
        if (needed.get(tensor)![c] && varies === (reason === 'tied')) keep(tensor, c, isGroup ? 'grouped' : reason)
      }
  for (const tensor of axes.keys()) if (!all(tensor).some((c) => stays.has(sets.of(tensor, c)))) keep(tensor, 0, 'last')
  return stays
}

/** Lets channels stay until every tensor has a multiple of `count` of them, or all that it had. */
function fillMultiples(axes: Axes, sets: ChannelSets, stays: Map<number, Reason>, count: number): void {
  for (let changed = true; changed; ) {
    changed = false
    for (const [tensor, axis] of axes) {
      const gone = channels(tensor, axis).filter((c) => !stays.has(sets.of(tensor, c)))
      const kept = channelsOf(tensor, axis) - gone.length
      for (const c of gone.slice(0, (count - (kept % count)) % count)) {
        stays.set(sets.of(tensor, c), 'multiple')
        changed = true
      }
    }
  }
}

/** Stored tensors of several values that are used more than once. */
function sharedTensors({ nodes }: Graph): Set<Tensor> {
  const [once, more] = [new Set<Tensor>(), new Set<Tensor>()]
  for (const tensor of nodes.flatMap(({ inputs }) => inputs))
    if (sizeOf(tensor.shape) > 1) (once.has(tensor) ? more : once).add(tensor)
  return more
}
