/**
 * @file Channels that can only stay or go together, as sets over all tensors of a graph (union-find): those
 * of residual sums, joins, depthwise convolutions and flattened maps.
 */
import { channelLinks, channelsOf, isChannelwise, weightLinks, weightOf } from './channels.ts'
import type { Node } from './operator.ts'
import type { Tensor } from './tensor.ts'

export class ChannelSets {
  readonly #firsts = new Map<Tensor, number>()
  readonly #parents: Int32Array

  /** Every channel of these tensors is a set of its own at first. */
  constructor(tensors: Iterable<Tensor>) {
    let count = 0
    for (const tensor of tensors) {
      this.#firsts.set(tensor, count)
      count += channelsOf(tensor)
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
   * Joins each output channel of a node with the input channels that it is made of one by one; a layer with
   * weights between all of them ties none. Throws where they are not known.
   */
  tie(node: Node): void {
    const [out] = node.outputs
    const join = (tensor: Tensor) => (from: number, to: number) => {
      this.#parents[this.of(out, to)] = this.of(tensor, from)
    }
    if (!weightOf(node))
      node.inputs.forEach((tensor, i) => {
        if (this.has(tensor)) channelLinks(node, i, join(tensor))
      })
    else if (isChannelwise(node)) weightLinks(node, join(node.inputs[0]))
  }
}
