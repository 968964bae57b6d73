/** @file Blocks of networks for images. */
import { type Block, OUTPUTS } from './block.ts'

const IMAGES = ['N', 3, 6, 6] as const
const pads = [1, 1, 1, 1]
const mixed = (operator: string) => `${operator} does not keep its channels apart`

export const imageBlocks: Record<string, Block> = {
  residual: {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const b = net.relu(a, 'b', [6, 8, 1])
      return net.classify(net.op('Add', [a, net.conv(b, 'c', [8, 6, 3], { pads })]), 8)
    },
    groups: { 'a c': 8, b: 6 },
  },
  'concatenation (DenseNet)': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [4, 3, 3])
      const b = net.op('Concat', [a, net.relu(a, 'b', [6, 4, 3], { pads })], { axis: 1 })
      const c = net.op('Concat', [b, net.relu(b, 'c', [6, 10, 3], { pads })], { axis: 1 })
      return net.classify(c, 16)
    },
    groups: { a: 4, b: 6, c: 6 },
  },
  'concatenation (Inception)': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [6, 3, 1])
      const parts = [
        net.conv(a, 'b1', [4, 6, 1]),
        net.conv(net.relu(a, 'b3r', [4, 6, 1]), 'b3', [6, 4, 3], { pads }),
        net.conv(net.op('MaxPool', [a], { kernel_shape: [3, 3], pads }), 'bp', [2, 6, 1]),
      ]
      return net.classify(net.relu(net.op('Concat', parts, { axis: 1 }), 'd', [8, 12, 3]), 8)
    },
    groups: { a: 6, b1: 4, b3r: 4, b3: 6, bp: 2, d: 8 },
  },
  depthwise: {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 1])
      return net.classify(net.conv(net.relu(a, 'deep', [8, 1, 3], { group: 8 }), 'b', [6, 8, 1]), 6)
    },
    groups: { 'a deep': 8, b: 6 },
  },
  'depthwise with two filters a channel': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [6, 3, 1])
      return net.classify(net.conv(net.relu(a, 'deep', [12, 1, 3], { group: 6 }), 'b', [6, 12, 1]), 6)
    },
    groups: { 'a deep': 6, b: 6 },
  },
  'grouped convolution': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [12, 3, 1])
      return net.classify(net.conv(net.relu(a, 'grouped', [8, 3, 3], { group: 4 }), 'b', [6, 8, 1]), 6)
    },
    groups: { 'a grouped': 4, b: 6 },
  },
  'squeeze and excitation': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const squeezed = net.relu(net.op('GlobalAveragePool', [a]), 'reduce', [4, 8, 1])
      const gate = net.op('Sigmoid', [net.conv(squeezed, 'expand', [8, 4, 1])])
      return net.classify(net.conv(net.op('Mul', [a, gate]), 'b', [6, 8, 1]), 6)
    },
    groups: { 'a expand': 8, reduce: 4, b: 6 },
  },
  'CBAM, whose spatial attention reads all channels': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const means = net.op('ReduceMean', [a], { axes: [1], keepdims: 1 })
      const largest = net.op('ReduceMax', [a], { axes: [1], keepdims: 1 })
      const maps = net.op('Concat', [means, largest], { axis: 1 })
      const gate = net.op('Sigmoid', [net.conv(maps, 'spatial', [1, 2, 3], { pads })])
      return net.classify(net.conv(net.op('Mul', [a, gate]), 'b', [6, 8, 1]), 6)
    },
    sparsity: 0.15,
    groups: { b: 6 },
    stay: { 'a.weight': mixed('ReduceMean'), 'spatial.weight': 'its only channel acts on all channels of others' },
  },
  'Split, of which one part goes on (ShuffleNet)': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const [left, right] = net.split(a, [3, 5])
      const b = net.relu(right, 'b', [5, 5, 1])
      return net.classify(net.conv(net.op('Concat', [left, b], { axis: 1 }), 'c', [6, 8, 1]), 6)
    },
    groups: { a: 8, b: 5, c: 6 },
  },
  'channel shuffle': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const apart = net.reshape(a, [0, 2, 4, 4, 4])
      const shuffled = net.reshape(net.transpose(apart, [0, 2, 1, 3, 4]), [0, 8, 4, 4])
      return net.classify(net.conv(shuffled, 'b', [6, 8, 1]), 6)
    },
    // Channels i and i + 4 go together.
    groups: { a: 4, b: 6 },
  },
  'channels picked by a list': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [6, 3, 3])
      const picked = net.op('Gather', [a, net.whole([5, 0, 3, 1, 4, 2, 0])], { axis: 1 })
      return net.classify(net.conv(picked, 'b', [6, 7, 1]), 6)
    },
    groups: { a: 6, b: 6 },
  },
  'channels last in between': {
    input: IMAGES,
    build(net) {
      const a = net.transpose(net.relu(x, 'a', [8, 3, 3]), [0, 2, 3, 1])
      const scaled = net.op('Mul', [a, net.floats('scale', [8])])
      const hidden = net.op('Relu', [net.linear(scaled, 'hidden', 8, 6)])
      return net.classify(net.conv(net.transpose(hidden, [0, 3, 1, 2]), 'b', [6, 6, 1]), 6)
    },
    groups: { a: 8, hidden: 6, b: 6 },
  },
  'reshape and transpose to tokens': {
    input: IMAGES,
    build(net) {
      const a = net.reshape(net.relu(x, 'a', [8, 3, 3]), [0, 8, 16])
      return net.classifyTokens(net.linear(net.transpose(a, [0, 2, 1]), 'b', 8, 6), 6)
    },
    groups: { a: 8, b: 6 },
  },
  'transposed convolution (U-Net)': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [6, 3, 3], { pads })
      const down = net.relu(a, 'down', [8, 6, 2], { strides: [2, 2] })
      const weight = net.floats('up.weight', [8, 4, 2, 2])
      const up = net.op('ConvTranspose', [down, weight, net.floats('up.bias', [4])], { strides: [2, 2] })
      return net.classify(net.relu(net.op('Concat', [a, up], { axis: 1 }), 'b', [6, 10, 3]), 6)
    },
    groups: { a: 6, down: 8, up: 4, b: 6 },
  },
  'depthwise transposed convolution': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const weight = net.floats('up.weight', [8, 1, 3, 3])
      const up = net.op('ConvTranspose', [a, weight, net.floats('up.bias', [8])], { strides: [2, 2], group: 8 })
      return net.classify(net.relu(up, 'b', [6, 8, 3]), 6)
    },
    groups: { 'a up': 8, b: 6 },
  },
  'maps made larger in between': {
    input: IMAGES,
    build(net) {
      const a = net.relu(x, 'a', [8, 3, 3])
      const scales = net.op('Constant', [], { value: { tensor: { shape: [4], values: [1, 1, 2, 2] } } })
      const large = net.op('Resize', [a, '', scales], { mode: 'linear', coordinate_transformation_mode: 'asymmetric' })
      return net.classify(net.relu(large, 'b', [6, 8, 3]), 6)
    },
    groups: { a: 8, b: 6 },
  },
  'normalization of groups': {
    input: IMAGES,
    build(net) {
      const a = net.conv(x, 'a', [8, 3, 3])
      const parts = [net.floats('norm.weight', [8], 1), net.floats('norm.bias', [8])]
      const normal = net.op('GroupNormalization', [a, ...parts], { num_groups: 4 })
      return net.classify(net.relu(normal, 'b', [6, 8, 3]), 6)
    },
    opset: 21,
    groups: { a: 4, b: 6 },
  },
  'normalization of groups as reshapes': {
    input: IMAGES,
    build(net) {
      const a = net.conv(x, 'a', [8, 3, 3])
      const parts = [net.floats('groups.weight', [4], 1), net.floats('groups.bias', [4])]
      const normal = net.op('InstanceNormalization', [net.reshape(a, [0, 4, -1]), ...parts])
      const back = net.op('Reshape', [normal, net.op('Shape', [a])])
      const scaled = net.op('Mul', [back, net.floats('scale', [8, 1, 1], 1)])
      return net.classify(net.relu(net.op('Add', [scaled, net.floats('shift', [8, 1, 1])]), 'b', [6, 8, 3]), 6)
    },
    groups: { a: 4, b: 6 },
  },
  'normalization of instances': {
    input: IMAGES,
    build(net) {
      const a = net.conv(x, 'a', [8, 3, 3])
      const parts = [net.floats('norm.weight', [8], 1), net.floats('norm.bias', [8])]
      return net.classify(net.relu(net.op('InstanceNormalization', [a, ...parts]), 'b', [6, 8, 3]), 6)
    },
    groups: { a: 8, b: 6 },
  },
  PReLU: {
    input: IMAGES,
    build(net) {
      const a = net.op('PRelu', [net.conv(x, 'a', [8, 3, 3]), net.floats('slope', [8, 1, 1])])
      return net.classify(net.relu(a, 'b', [6, 8, 3]), 6)
    },
    groups: { a: 8, b: 6 },
  },
}
const x = 'x'

for (const block of Object.values(imageBlocks)) block.stay = { ...block.stay, ...OUTPUTS }
