import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { Graph, prunableParameters } from '../../src/graph/graph.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { findModel, models } from '../../src/models/index.ts'
import { type ModelOptions, widened } from '../../src/models/model.ts'
import { UserError } from '../../src/util/errors.ts'

const total = (tensors: readonly Tensor[]) => tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)

/** Tables of words and positions of tokens have several axes, too, but nothing is multiplied with them. */
const isKernel = ({ name, shape }: Tensor) => shape.length > 1 && !/pos_embed|embeddings/.test(name)

/** A network's tensors; nothing is computed. */
function tensorsOf(name: string, options?: ModelOptions, batch = 2) {
  const model = findModel(name, options)
  const graph = new Graph()
  const logits = model.build(graph, graph.input('images', [batch, ...model.image]), true)
  const parameters = graph.withRole('parameter')
  const matching = (pattern: RegExp) => parameters.filter((tensor) => pattern.test(tensor.name))
  return { logits, parameters, buffers: graph.withRole('buffer'), prunable: prunableParameters(graph), matching }
}

it.each([
  ['lenet-300-100', 266_610, 266_200, ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias', 'fc3.weight', 'fc3.bias']],
  ['mlpnet', 32_360, 32_360, ['fc1.weight', 'fc2.weight', 'fc3.weight']],
])('%s has %i parameters, %i of them prunable', (name, parameters, prunable, names) => {
  const found = tensorsOf(name)
  expect(found.parameters.map((tensor) => tensor.name)).toEqual(names)
  expect(total(found.parameters)).toBe(parameters)
  expect(total(found.prunable)).toBe(prunable)
})

// Parameters, those that pruning may touch (all kernels, the classifier's too), and tensors that hold the
// latter.
it.each<[string, ModelOptions, number, number?, number?]>([
  ['mnist-mlp-bn', {}, 267_020, 266_200, 3],
  ['lenet-5', {}, 431_080, 430_500, 4],
  ['cifarnet', {}, 116_778, 116_704, 5],
  ['cnn500k', {}, 471_338],
  ['resnet20', {}, 272_474, 267_264 + 432 + 512 + 2048 + 640, 22],
  ['resnet56', {}, 855_770, 851_504, 58],
  ['resnet110', {}, 1_730_714, 1_722_416, 112],
  ['resnet164', {}, 2_605_658, 2_593_328, 166],
  // Without the projections: 512 and 2048 weights, 32 and 64 normalized channels.
  ['resnet20-a', {}, 272_474 - 2560 - 192, 267_264 + 432 + 640, 20],
  ['resnet32-a', {}, 464_154, 10 * 2304 + 4608 + 9 * 9216 + 18_432 + 9 * 36_864 + 432 + 640, 32],
  ['resnet56-a', {}, 855_770 - 2560 - 192, 851_504 - 2560, 56],
  ['resnet18', {}, 11_173_962, 11_159_232 + 5_120, 21],
  ['resnet18', { classes: 100 }, 11_220_132, 11_159_232 + 51_200, 21],
  ['resnet34', {}, 21_282_122],
  ['resnet50-cifar', {}, 23_520_842],
  ['resnet101-cifar', {}, 42_512_970],
  ['resnet152-cifar', {}, 58_156_618],
  ['vgg16', {}, 14_728_266],
  ['vgg19', {}, 20_040_522, 20_018_880 + 5_120, 17],
  ['vgg19', { classes: 100 }, 20_086_692, 20_018_880 + 51_200, 17],
  ['wrn-28', {}, 1_467_610],
  ['wrn-28', { widen: 2 }, 1_467_610],
  ['wrn-28', { widen: 0.75 }, 209_130],
  ['wrn-28', { widen: 0.98 }, 356_376],
  ['wrn-28', { widen: 1.15 }, 491_845],
  ['wrn-28', { widen: 1.33 }, 652_093],
  ['wrn-28', { widen: 1.47 }, 795_477],
  ['densenet-40', {}, 1_019_722, 1_001_616, 40],
  ['resnet50', {}, 25_557_032],
  ['resnet50', { widen: 0.54 }, 8_167_095],
  ['resnet50', { widen: 0.46 }, 5_771_217],
  ['mobilenet-v1', {}, 4_231_976, 4_209_088, 28],
  // As torchvision counts them.
  ['mobilenet-v2', {}, 3_504_872, 3_504_872 - 34_112 - 1000, 53],
  ['resnet18-imagenet', {}, 11_689_512],
  ['resnet34-imagenet', {}, 21_797_672],
  ['resnet101-imagenet', {}, 44_549_160],
  ['resnet152-imagenet', {}, 60_192_808],
  // As timm counts it.
  ['efficientnet-lite0', {}, 4_652_008, 4_652_008 - 42_016 - 1000, 50],
  // As timm counts its deit_tiny at this depth, patch and image, without a class token and its position.
  ['vit-tiny', {}, 2_693_194, 9216 + 6 * 442_368 + 1920, 26],
  ['vit-tiny', { widen: 1 / 16 }, 12_814],
  // 4,096 words and 64 positions of 128 channels, and two blocks.
  ['bert-mini', {}, 929_538, 2 * 196_608 + 256, 9],
  // Groups of 462,848, 2,097,152 and 8,388,608 weights; scales and shifts of 4,000 channels.
  ['wrn-16-gsm', {}, 10_962_170, 432 + 462_848 + 2_097_152 + 8_388_608 + 5120, 17],
])('%s %o has %i parameters', (name, options, parameters, prunable, layers) => {
  const found = tensorsOf(name, options)
  expect(total(found.parameters)).toBe(parameters)
  if (prunable !== undefined) expect(total(found.prunable)).toBe(prunable)
  if (layers !== undefined) expect(found.prunable).toHaveLength(layers)
})

it('resnet18: sizes of the 20 convolutions', () => {
  const stage = (first: number, rest: number, projection: number) => [first, rest, projection, rest, rest]
  const sizes = tensorsOf('resnet18').prunable.map(({ shape }) => sizeOf(shape))
  const expected = [
    1_728,
    36_864,
    36_864,
    36_864,
    36_864,
    ...stage(73_728, 147_456, 8_192),
    ...stage(294_912, 589_824, 32_768),
    ...stage(1_179_648, 2_359_296, 131_072),
  ]
  expect(sizes).toEqual([...expected, 5_120])
})

it('resnet18: the names of a block with a projection', () => {
  const norm = (name: string) => [`layer2.0.${name}.weight`, `layer2.0.${name}.bias`]
  expect(
    tensorsOf('resnet18')
      .matching(/^layer2\.0/)
      .map(({ name }) => name),
  ).toEqual([
    'layer2.0.conv1.weight',
    ...norm('bn1'),
    'layer2.0.conv2.weight',
    ...norm('bn2'),
    'layer2.0.shortcut.0.weight',
    ...norm('shortcut.1'),
  ])
})

it('vgg19: sizes of the 16 convolutions, each with a bias', () => {
  const found = tensorsOf('vgg19')
  expect(found.matching(/^conv\d+\.weight$/).map(({ shape }) => sizeOf(shape))).toEqual([
    1_728,
    36_864,
    73_728,
    147_456,
    294_912,
    589_824,
    589_824,
    589_824,
    1_179_648,
    ...Array.from({ length: 7 }, () => 2_359_296),
  ])
  expect(found.matching(/^conv\d+\.bias$/)).toHaveLength(16)
})

it.each([
  ['vgg11', 8],
  ['vgg13', 10],
  ['vgg16', 13],
])('%s has %i convolutions', (name, count) => {
  expect(tensorsOf(name).matching(/^conv\d+\.weight$/)).toHaveLength(count)
})

it('resnet20: the block convolutions that WoodFisher prunes', () => {
  const blocks = tensorsOf('resnet20').matching(/^layer.*conv/)
  expect([blocks.length, total(blocks)]).toEqual([18, 267_264])
})

it('resnet56: 57 convolutions, 2,128 normalized channels', () => {
  const found = tensorsOf('resnet56')
  expect(found.parameters.filter(({ shape }) => shape.length === 4)).toHaveLength(57)
  expect(total(found.buffers)).toBe(2 * 2_128)
})

it('wrn-28: the 24 convolutions in the blocks, and the rest', () => {
  const found = tensorsOf('wrn-28')
  const blocks = found.matching(/^layer.*conv/)
  expect([blocks.length, total(blocks)]).toEqual([24, 1_451_520])
  expect(total(found.parameters) - total(blocks)).toBe(16_090)
  expect(found.matching(/shortcut/)).toHaveLength(3)
})

it('resnet50: the 48 convolutions in the blocks and the classifier, and the rest', () => {
  const found = tensorsOf('resnet50')
  const sparse = found.matching(/^layer.*conv|^fc\.weight$/)
  expect([sparse.length, total(sparse)]).toEqual([49, 22_724_608])
  expect(total(found.parameters) - total(sparse)).toBe(2_832_424)
})

it('densenet-40: weights of stem, blocks, transitions and classifier', () => {
  const { matching } = tensorsOf('densenet-40')
  const parts = ['conv1', 'block1', 'transition1', 'block2', 'transition2', 'block3', 'fc']
  const sizes = parts.map((part) => total(matching(new RegExp(`^${part}.*weight$`)).filter(isKernel)))
  expect(sizes).toEqual([432, 106_272, 25_600, 292_896, 92_416, 479_520, 4_480])
})

it('mobilenet-v1: 44,640 depthwise weights, 3,139,584 pointwise ones', () => {
  const { matching } = tensorsOf('mobilenet-v1')
  expect(total(matching(/depthwise\.weight$/))).toBe(44_640)
  expect(total(matching(/pointwise\.weight$/))).toBe(3_139_584)
})

it("mobilenet-v2: the names of torchvision's first two blocks, and of its end", () => {
  const names = (conv: string, norm: string) => [`${conv}.weight`, `${norm}.weight`, `${norm}.bias`]
  const { parameters, matching } = tensorsOf('mobilenet-v2')
  expect(matching(/^features\.[012]\./).map(({ name }) => name)).toEqual([
    ...names('features.0.0', 'features.0.1'),
    ...names('features.1.conv.0.0', 'features.1.conv.0.1'),
    ...names('features.1.conv.1', 'features.1.conv.2'),
    ...names('features.2.conv.0.0', 'features.2.conv.0.1'),
    ...names('features.2.conv.1.0', 'features.2.conv.1.1'),
    ...names('features.2.conv.2', 'features.2.conv.3'),
  ])
  expect(parameters.slice(-5).map(({ name }) => name)).toEqual([
    ...names('features.18.0', 'features.18.1'),
    'classifier.1.weight',
    'classifier.1.bias',
  ])
})

it("efficientnet-lite0: the names of timm's first two blocks, and the sides of its kernels", () => {
  const names = (conv: string, norm: string) => [`${conv}.weight`, `${norm}.weight`, `${norm}.bias`]
  const { matching } = tensorsOf('efficientnet-lite0')
  expect(matching(/^blocks\.(0\.0|1\.0)\./).map(({ name }) => name)).toEqual([
    ...names('blocks.0.0.conv_dw', 'blocks.0.0.bn1'),
    ...names('blocks.0.0.conv_pw', 'blocks.0.0.bn2'),
    ...names('blocks.1.0.conv_pw', 'blocks.1.0.bn1'),
    ...names('blocks.1.0.conv_dw', 'blocks.1.0.bn2'),
    ...names('blocks.1.0.conv_pwl', 'blocks.1.0.bn3'),
  ])
  const sides = matching(/conv_dw\.weight$/).map(({ shape }) => shape[3])
  expect(sides).toEqual([3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3])
})

const checkpoint = fileURLToPath(
  new URL('../../../shared/data/checkpoints/resnet20-cifar10.safetensors', import.meta.url),
)

it("resnet20 has the names and shapes of WoodFisher's checkpoint", ({ skip }) => {
  skip(!existsSync(checkpoint), `the checkpoint is not here: ${checkpoint}`)
  const shapes = (tensors: Iterable<readonly [string, { shape: readonly number[] }]>) =>
    Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]]))
  const { parameters, buffers } = tensorsOf('resnet20')
  const ours = shapes([...parameters, ...buffers].map((tensor) => [tensor.name, tensor]))
  expect(ours).toEqual(shapes(readSafetensors(checkpoint).tensors))
})

it.each(Object.keys(models))('%s: one logit per class, kernels only are prunable, every parameter begins', (name) => {
  for (const classes of [undefined, 7]) {
    const { logits, parameters, prunable } = tensorsOf(name, { classes }, 5)
    expect(logits.shape).toEqual([5, classes ?? models[name].classes])
    expect(prunable).toEqual(parameters.filter(isKernel))
    expect(parameters.every(({ initial }) => initial !== undefined)).toBe(true)
    const norms = parameters.filter((tensor) => tensor.initial === 1)
    expect(norms.every((tensor) => tensor.name.endsWith('.weight'))).toBe(true)
  }
})

/** Multiplications of one sample in layers whose weight's name matches, padding included. */
function macs(name: string, pattern = /./): number {
  const model = findModel(name)
  const graph = new Graph()
  model.build(graph, graph.input('images', [1, ...model.image]), false)
  return graph.nodes
    .filter(({ operator, inputs }) => operator.weight !== undefined && pattern.test(inputs[operator.weight].name))
    .map(({ operator, inputs, outputs: [y] }) => {
      const { shape } = inputs[operator.weight!]
      return (sizeOf(y.shape) * sizeOf(shape)) / shape[0]
    })
    .reduce((sum, n) => sum + n, 0)
}

// The sizes of every layer's output, which no parameter count shows: millions of multiplications as
// published.
it.each([
  ['resnet18', /./, 555.4],
  ['vgg19', /./, 398.1],
  ['wrn-28', /^layer.*conv/, 212.3],
  ['mobilenet-v1', /./, 568.7],
  ['resnet50', /./, 4089.2],
  ['mobilenet-v2', /./, 300.8],
  // Of 64 tokens, without products of what is computed.
  ['vit-tiny', /./, 0.59 + 169.87],
  // B0's 390 million, without squeeze-and-excitation.
  ['efficientnet-lite0', /./, 385.2],
])('%s: layers %o take %d million multiplications', (name, pattern, millions) => {
  expect(macs(name, pattern) / 1e6).toBeCloseTo(millions, 1)
})

it('a network in evaluation has the tensors of one in training', () => {
  for (const name of ['resnet18', 'vgg11', 'wrn-28', 'mobilenet-v1', 'mobilenet-v2', 'mnist-mlp-bn', 'vit-tiny']) {
    const names = [true, false].map((training) => {
      const graph = new Graph()
      const model = findModel(name)
      model.build(graph, graph.input('images', [2, ...model.image]), training)
      return [...graph.withRole('parameter'), ...graph.withRole('buffer')].map((tensor) => tensor.name)
    })
    expect(names[0]).toEqual(names[1])
  }
})

it('an unknown name suggests the nearest', () => {
  expect(() => findModel('mlp-net')).toThrow(new UserError('there is no model named mlp-net (did you mean mlpnet?)'))
  expect(() => findModel('__proto__')).toThrow(/there is no model named __proto__ \(known: lenet-300-100, mlpnet/)
})

it('options that a network does not have, or that make no sense, are errors', () => {
  expect(() => findModel('vgg19', { widen: 2 })).toThrow(new UserError('vgg19 has no widen'))
  expect(() => findModel('vgg19', { classes: 2.5 })).toThrow(UserError)
  expect(() => findModel('wrn-28', { widen: 0 })).toThrow(UserError)
  expect(findModel('wrn-28', { widen: 1.5, classes: 3 })).toMatchObject({ name: 'wrn-28', widen: 1.5, classes: 3 })
  expect(findModel('vgg19')).not.toHaveProperty('widen')
})

it('widened channels are rounded, half to even, and never none', () => {
  expect([0.75, 0.98, 1.15].map((widen) => widened(16, widen))).toEqual([12, 16, 18])
  expect([2.5, 3.5, 4.5].map((widen) => widened(1, widen))).toEqual([2, 4, 4])
  expect(widened(16, 0.01)).toBe(1)
})

it('every model is listed under its own name', () => {
  for (const [name, model] of Object.entries(models)) expect(model.name).toBe(name)
})
