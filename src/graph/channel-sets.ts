/**
 * @file Channels that can only stay or go together, as sets over all tensors of a graph (union-find): those
 * of residual sums, joins, heads of attention, flattened maps, and those of a group of a convolution.
 */
import { type Axes, channelsOf } from './channel-axes.ts'
import { channelLinks, groupsOf, isForAll, weightOf } from './channels.ts'
import type { Node } from './operator.ts'
import type { Tensor } from './tensor.ts'

export class ChannelSets {
  readonly #axes: Axes
  readonly #firsts = new Map<Tensor, number>()
  readonly #parents: Int32Array

  /** Every channel of these tensors is a set of its own at first. */
  constructor(axes: Axes) {
    this.#axes = axes
    let count = 0
    for (const [tensor, axis] of axes) {
      this.#firsts.set(tensor, count)
      count += channelsOf(tensor, axis)
    }
    this.#parents = Int32Array.from({ length: count }, (_, i) => i)
  }

  has(tensor: Tensor): boolean {
    return this.#firsts.has(tensor)
  }

  /** The set of a channel, as a number. */
  of(tensor: Tensor, channel: number): number {
    const parents = this.#parents
    let root = this.#firsts.get(tensor)! + channel
    while (parents[root] !== root) root = parents[root] = parents[parents[root]]
    return root
  }

  /**
   * Joins each output channel of a node with the input channels that it is made of one by one, and all
   * channels of a group of a convolution with each other; a layer with weights between all of them ties none.
   * Throws UnknownLinks where they are not known.
   */
  tie(node: Node): void {
    const [[x], [out]] = [node.inputs, node.outputs]
    const join = (tensor: Tensor) => (from: number, to: number) => {
      this.#parents[this.of(out, to)] = this.of(tensor, from)
    }
    const groups = groupsOf(node)
    if (node.operator.name === 'BatchNormalization' || !weightOf(node))
      node.inputs.forEach((tensor, i) => {
        if (this.has(tensor) && !isForAll(node, i, this.#axes)) channelLinks(node, i, this.#axes, join(tensor))
      })
    else if (groups > 1) {
      const [ins, outs] = [channelsOf(x) / groups, channelsOf(out) / groups]
      for (let group = 0; group < groups; group++) {
        for (let o = 0; o < outs; o++) join(x)(group * ins, group * outs + o)
        for (let i = 1; i < ins; i++) join(x)(group * ins + i, group * outs)
      }
    }
  }
}
