/**
 * @file Channels that some output depends on, found backwards: what is constant needs nothing before it, zero
 * weights read nothing, and a layer that can take a constant into its bias does not need the channel.
 */

import { channelAxes, channelsOf } from './channel-axes.ts'
import { absorbed, channelKind } from './channel-kind.ts'
import { channelLinks, weightLinks } from './channels.ts'
import type { Constants } from './constant-channels.ts'
import type { Values } from './fold-batch-norm.ts'
import type { Graph } from './graph.ts'
import type { Tensor } from './tensor.ts'

/** For every tensor that depends on the input, 1 for each channel that is needed, 0 for others. */
export type Needed = ReadonlyMap<Tensor, Uint8Array>

export function neededChannels(graph: Graph, values: Values, constants: Constants): Needed {
  const { nodes, axes } = channelAxes(graph, graph.withRole('input'))
  const needed = new Map([...axes].map(([tensor, axis]) => [tensor, new Uint8Array(channelsOf(tensor, axis))]))
  for (const tensor of graph.outputs.values()) needed.get(tensor)?.fill(1)
  for (const node of nodes.reverse()) {
    const { inputs, outputs } = node
    const kind = channelKind(node, axes)
    const [after, results] = [needed.get(outputs[0])!, constants.get(outputs[0])!]
    const isWanted = (to: number) => after[to] === 1 && Number.isNaN(results[to])
    if (kind === 'layer') {
      const [before, given, weights] = [needed.get(inputs[0])!, constants.get(inputs[0])!, values.get(inputs[1].name)!]
      const isAbsorbed = absorbed(node)
      weightLinks(node, (from, to, index) => {
        if (weights[index] !== 0 && isWanted(to) && !isAbsorbed(given[from])) before[from] = 1
      })
    } else
      inputs.forEach((tensor, i) => {
        const before = needed.get(tensor)
        if (!before) return
        if (kind === 'mixed') before.fill(1)
        else
          channelLinks(node, i, axes, (from, to) => {
            if (isWanted(to)) before[from] = 1
          })
      })
  }
  return needed
}
