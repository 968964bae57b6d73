/** @file What a node does with channels (axis 1), as far as removing some of them goes. */
import { channelsOf, ELEMENTWISE, weightOf } from './channels.ts'
import { type Attributes, attribute, type Node } from './operator.ts'
import { convOptions } from './operators/conv.ts'
import { transposes } from './operators/linear.ts'
import type { Shape, Tensor } from './tensor.ts'

/**
 * - `layer`: stored weights connect the channels of its first input with those of its output.
 * - `tied`: every output channel is made of certain input channels, which can only go with it.
 * - `mixed`: anything else; the channels of its inputs and its output stay.
 */
export type ChannelKind = 'layer' | 'tied' | 'mixed'

/** The kind of a node; `data`: the tensors that depend on the network's input. */
export function channelKind(node: Node, data: ReadonlySet<Tensor>): ChannelKind {
  const { operator, inputs, outputs, attributes } = node
  const rest = inputs.slice(1)
  if (operator.name === 'ConvTranspose') return 'mixed'
  if (operator.weight !== undefined) {
    const plain = data.has(inputs[0]) && rest.every(isStored) && weightOf(node) && !transposes(attributes).transA
    return plain ? 'layer' : 'mixed'
  }
  if (outputs[0].shape.length < 2) return 'mixed'
  const isTied = ELEMENTWISE.has(operator.name)
    ? inputs.every((tensor) => (data.has(tensor) ? alike(tensor, outputs[0]) : isStored(tensor)))
    : tied[operator.name]?.(node) &&
      (operator.name === 'BatchNormalization' ? [inputs[0]] : inputs).every(data.has, data)
  return isTied ? 'tied' : 'mixed'
}

const isStored = ({ role }: Tensor) => role === 'parameter' || role === 'buffer' || role === 'constant'

/** Whether a tensor has the channels of a result, or one for all of them. */
const alike = (x: Tensor, out: Tensor) =>
  x.shape.length === out.shape.length && (channelsOf(x) === channelsOf(out) || channelsOf(x) === 1)

/** Conditions under which other operators tie channels. */
const tied: Record<string, (node: Node) => boolean> = {
  BatchNormalization: ({ inputs }) => inputs.slice(1).every(isStored),
  MaxPool: () => true,
  AveragePool: () => true,
  Flatten: ({ inputs: [x] }) => x.batched,
  // Channels are cut into several, or several are joined.
  Reshape: ({ inputs: [x], outputs: [y] }) => {
    const [from, to] = [channelsOf(x), channelsOf(y)]
    return x.batched && y.batched && x.shape[0] === y.shape[0] && (to % from === 0 || from % to === 0)
  },
  Expand: ({ inputs: [x], outputs: [y] }) => alike(x, y),
  Transpose: ({ attributes }) => numbers(attributes, 'perm').slice(0, 2).join() === '0,1',
  ReduceMean: ({ inputs: [x], attributes }) => x.batched && numbers(attributes, 'axes').every((axis) => axis > 1),
  ReduceSum: ({ inputs: [x], attributes }) => x.batched && numbers(attributes, 'axes').every((axis) => axis > 1),
  Concat: ({ attributes }) => attribute<number>(attributes, 'axis', 1) > 0,
  Slice: ({ attributes }) => numbers(attributes, 'steps')[1] === 1,
  Place: ({ attributes }) => numbers(attributes, 'steps')[1] === 1,
}

const numbers = (attributes: Attributes, name: string) => attribute<Shape>(attributes, name, [])

/**
 * The axis of an operand of an elementwise function along which its values differ from channel to channel of
 * the result; undefined: there is none.
 */
export function channelAxis({ shape }: Tensor, out: Tensor): number | undefined {
  const axis = shape.length - out.shape.length + 1
  return axis >= 0 && shape[axis] > 1 ? axis : undefined
}

/**
 * Which constants a layer can take into its bias when it loses the channel that has this value everywhere
 * (NaN: it varies). Padding is 0.
 */
export function absorbed({ operator, attributes }: Node): (value: number) => boolean {
  const isPadded = operator.name === 'Conv' && convOptions('Conv', attributes).pads.some((n) => n > 0)
  return (value) => value === 0 || (!isPadded && !Number.isNaN(value))
}
