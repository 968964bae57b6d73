/** @file What a node does with channels, as far as removing some of them goes. */
import { type Axes, alignedAxis, channelsOf } from './channel-axes.ts'
import { channelLinks, ELEMENTWISE, groupsOf, UnknownLinks, weightOf } from './channels.ts'
import { attribute, type Node } from './operator.ts'
import { convOptions } from './operators/conv.ts'
import { transposes } from './operators/linear.ts'
import type { Shape, Tensor } from './tensor.ts'

/**
 * - `layer`: stored weights connect the channels of its first input with those of its output.
 * - `tied`: every output channel is made of certain input channels, which can only go with it.
 * - `mixed`: anything else; the channels of its inputs and its output stay.
 */
export type ChannelKind = 'layer' | 'tied' | 'mixed'

export function channelKind(node: Node, axes: Axes): ChannelKind {
  const { operator, inputs, outputs, attributes } = node
  const rest = inputs.slice(1)
  if (operator.weight !== undefined) {
    const plain = axes.get(inputs[0]) === 1 && rest.every(isStored) && weightOf(node) && !transposes(attributes).transA
    return plain ? 'layer' : 'mixed'
  }
  const fits = ELEMENTWISE.has(operator.name)
    ? inputs.every((tensor) => axes.has(tensor) || isStored(tensor))
    : (tied[operator.name]?.(node, axes.get(outputs[0])!) ?? true) &&
      (operator.name === 'BatchNormalization' ? [inputs[0]] : inputs).every(axes.has, axes)
  return fits && isLinked(node, axes) ? 'tied' : 'mixed'
}

const isStored = ({ role }: Tensor) => role === 'parameter' || role === 'buffer' || role === 'constant'

/** Whether it is known which channels of all inputs its output is made of. */
function isLinked(node: Node, axes: Axes): boolean {
  try {
    node.inputs.forEach((tensor, i) => {
      if (axes.has(tensor)) channelLinks(node, i, axes, () => {})
    })
    return true
  } catch (error) {
    if (error instanceof UnknownLinks) return false
    throw error
  }
}

/**
 * Further conditions under which operators tie channels: nodes on fewer channels have to be the same again.
 */
const tied: Record<string, (node: Node, axis: number) => boolean> = {
  BatchNormalization: ({ inputs }, axis) => axis === 1 && inputs.slice(1).every(isStored),
  Slice: ({ attributes }, axis) => attribute<Shape>(attributes, 'steps', [])[axis] === 1,
  Place: ({ attributes }, axis) => attribute<Shape>(attributes, 'steps', [])[axis] === 1,
  // Along the channels it may move them, and put nothing in between.
  Resample: ({ attributes }, axis) => {
    if (attribute<number>(attributes, 'axis', 0) !== axis) return true
    const [starts, weights] = ['starts', 'weights'].map((name) => attribute<Shape>(attributes, name, []))
    return weights.every((weight) => weight === 1) && starts.every((n, i) => i === 0 || n - starts[i - 1] <= 1)
  },
}

/**
 * The axis of an operand of an elementwise function along which its values differ from channel to channel of
 * the result, which are along `axis` there; undefined: there is none.
 */
export function channelAxis(x: Tensor, out: Tensor, axis: number): number | undefined {
  const aligned = alignedAxis(x, out, axis)
  return channelsOf(x, aligned) > 1 ? aligned : undefined
}

/**
 * Which constants a layer can take into its bias when it loses the channel that has this value everywhere
 * (NaN: it varies). Padding is 0, and transposed convolutions read a channel at some places more often than
 * at others.
 */
export function absorbed({ operator, attributes }: Node): (value: number) => boolean {
  const isUneven =
    operator.name === 'ConvTranspose' ||
    (operator.name === 'Conv' && convOptions('Conv', attributes).pads.some((n) => n > 0))
  return (value) => value === 0 || (!isUneven && !Number.isNaN(value))
}

/** Whether it is a convolution of several groups of several channels. */
export const isGrouped = (node: Node): boolean =>
  groupsOf(node) > 1 && (channelsOf(node.inputs[0]) > groupsOf(node) || channelsOf(node.outputs[0]) > groupsOf(node))
