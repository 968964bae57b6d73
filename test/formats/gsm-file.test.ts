/**
 * @file Networks of GSM's code in HDF5 files: names and shapes are those that its modules have, written out
 * here by hand from what its builder puts together.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { asGsm, gsmNetworkOf } from '../../src/formats/gsm-file.ts'
import { writeNetwork } from '../../src/formats/network-file.ts'
import { type StoredTensor, storeFloats, toFloats } from '../../src/formats/safetensors.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { graphOf, type ModelOptions } from '../../src/models/model.ts'
import { checkFits } from '../../src/train/fits.ts'
import { temporaryFolder } from '../cli/temporary.ts'

/** Values that tell a tensor and a place in it apart. */
const values = (shape: readonly number[], n: number) =>
  Float32Array.from({ length: sizeOf(shape) }, (_, i) => n + ((i * 31) % 97) / 128)

/** A network here with values of its own in every tensor, or, to be looked at, without any. */
function network(name: string, options: ModelOptions = {}, filled = false) {
  const model = findModel(name, options)
  const tensors = new Map<string, StoredTensor>()
  for (const [n, { name, shape }] of graphOf(model).stored().entries())
    tensors.set(name, filled ? storeFloats(values(shape, n), shape) : { dtype: 'F32', shape, data: new Uint8Array(0) })
  return { model, tensors }
}

type Shapes = Record<string, readonly number[]>

const batchNorm = (name: string, channels: number): Shapes =>
  Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, [channels]]))
const convBatchNorm = (name: string, from: number, to: number, kernel: number): Shapes => ({
  [`${name}.conv.weight`]: [to, from, kernel, kernel],
  ...batchNorm(`${name}.bn`, to),
})
const linear = (name: string, from: number, to: number): Shapes => ({
  [`${name}.weight`]: [to, from],
  [`${name}.bias`]: [to],
})

/** RCNet of n blocks in each stage. */
function rc(n: number, classes = 10, widths = [16, 32, 64]): Shapes {
  let shapes = convBatchNorm('conv1', 3, widths[0], 3)
  for (const [s, width] of widths.entries())
    for (let block = 0; block < n; block++) {
      const name = `stage${s + 1}.${block}`
      const from = block === 0 && s > 0 ? widths[s - 1] : width
      if (from !== width) shapes = { ...shapes, ...convBatchNorm(`${name}.shortcut`, from, width, 1) }
      shapes = { ...shapes, ...convBatchNorm(`${name}.conv1`, from, width, 3) }
      shapes = { ...shapes, ...convBatchNorm(`${name}.conv2`, width, width, 3) }
    }
  return { ...shapes, ...linear('linear', widths[2], classes) }
}

/** Networks of ImageNet with these numbers of blocks, which widen their channels four times or not. */
function imagenet(depths: readonly number[], expansion: 1 | 4): Shapes {
  let shapes = convBatchNorm('conv1', 3, 64, 7)
  let from = 64
  for (const [s, blocks] of depths.entries())
    for (let block = 0; block < blocks; block++) {
      const [name, width] = [`stage${s + 1}.${block}`, 64 * 2 ** s]
      const to = expansion * width
      if (from !== to) shapes = { ...shapes, ...convBatchNorm(`${name}.shortcut`, from, to, 1) }
      shapes = { ...shapes, ...convBatchNorm(`${name}.conv1`, from, width, expansion === 1 ? 3 : 1) }
      shapes = { ...shapes, ...convBatchNorm(`${name}.conv2`, width, width, 3) }
      if (expansion === 4) shapes = { ...shapes, ...convBatchNorm(`${name}.conv3`, width, to, 1) }
      from = to
    }
  return { ...shapes, ...linear('linear', from, 1000) }
}

/** BNReLUConv2d. */
const activatedConv = (name: string, from: number, to: number, kernel: number): Shapes => ({
  ...batchNorm(`${name}.bn`, from),
  [`${name}.conv.weight`]: [to, from, kernel, kernel],
})

/** WRNCifarNet of n blocks in each stage. */
function wrn(n: number, k: number): Shapes {
  let shapes: Shapes = { 'conv1.weight': [16, 3, 3, 3] }
  let from = 16
  for (const [s, channels] of [16, 32, 64].entries())
    for (let block = 1; block <= n; block++) {
      const [name, to] = [`stage${s + 1}.block${block}`, channels * k]
      if (block === 1) shapes = { ...shapes, ...activatedConv(`${name}.proj`, from, to, 1) }
      shapes = { ...shapes, ...activatedConv(`${name}.conv1`, from, to, 3) }
      shapes = { ...shapes, ...activatedConv(`${name}.conv2`, to, to, 3) }
      from = to
    }
  return { ...shapes, ...batchNorm('last_bn', from), ...linear('linear', from, 10) }
}

/** Convolutions in a row, each with its normalization: widths, and sides of the kernels. */
function inRow(prefix: string, widths: readonly number[], kernel: (i: number) => number): Shapes {
  const each = widths.map((width, i) => convBatchNorm(`${prefix}conv${i + 1}`, widths[i - 1] ?? 3, width, kernel(i)))
  return Object.assign({}, ...each)
}

const vc: Shapes = {
  ...inRow('stem.', [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512], () => 3),
  ...linear('linear1', 512, 512),
  ...linear('linear2', 512, 10),
}
const cfqk: Shapes = { ...inRow('', [32, 32, 64], () => 5), ...linear('fc1', 576, 64), ...linear('fc2', 64, 10) }
const alexnet: Shapes = {
  ...inRow('stem.', [64, 192, 384, 384, 256], (i) => [11, 5, 3, 3, 3][i]),
  ...linear('linear1', 9216, 4096),
  ...linear('linear2', 4096, 4096),
  ...linear('linear3', 4096, 1000),
}

/** MobileV1CifarNet: depthwise and pointwise convolutions. */
function mobile(): Shapes {
  const widths = [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256]
  let shapes = convBatchNorm('conv1', 3, 16, 3)
  for (const [i, width] of widths.entries()) {
    const from = widths[i - 1] ?? 16
    const depthwise = { ...convBatchNorm(`stem.${i}.conv1`, 1, from, 3), ...batchNorm(`stem.${i}.conv1.bn`, from) }
    shapes = { ...shapes, ...depthwise, ...convBatchNorm(`stem.${i}.conv2`, from, width, 1) }
  }
  return { ...shapes, ...linear('linear', 256, 10) }
}

const lenet300: Shapes = {
  ...linear('linear1', 784, 300),
  ...linear('linear2', 300, 100),
  ...linear('linear3', 100, 10),
}
const lenet5: Shapes = {
  'stem.conv1.weight': [20, 1, 5, 5],
  'stem.conv1.bias': [20],
  'stem.conv2.weight': [50, 20, 5, 5],
  'stem.conv2.bias': [50],
  ...linear('linear1', 800, 500),
  ...linear('linear2', 500, 10),
}

const networks: [string, ModelOptions, string, Shapes, inputs: string[]][] = [
  ['lenet-300-100', {}, 'lenet300', lenet300, ['[0.1307]', '[0.3081]']],
  ['lenet-5', {}, 'lenet5', lenet5, ['[0.1307]', '[0.3081]']],
  ['resnet56', {}, 'rc56', rc(9), ['[0.5]', '[0.5]']],
  ['resnet56', { classes: 100, widen: 0.5 }, 'rc56', rc(9, 100, [8, 16, 32]), ['[0.5]', '[0.5]']],
  ['resnet110', {}, 'rc110', rc(18), ['[0.5]', '[0.5]']],
  ['resnet164', { classes: 100 }, 'rc164', rc(27, 100), ['[0.5]', '[0.5]']],
]

const shapesOf = (tensors: ReadonlyMap<string, StoredTensor>): Shapes =>
  Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]]))

const more: typeof networks = [
  ['wrn-16-gsm', {}, 'wrnc16plain', wrn(2, 8), ['[0.5]', '[0.5]']],
  ['wrn-28-gsm', { widen: 2 }, 'wrnc28plain', wrn(4, 2), ['[0.5]', '[0.5]']],
  ['wrn-40-gsm', {}, 'wrnc40plain', wrn(6, 4), ['[0.5]', '[0.5]']],
  ['vgg16-gsm', {}, 'vc', vc, ['[0.5]', '[0.5]']],
  ['cifar-quick-bn', {}, 'cfqkbnc', cfqk, ['[0.5]', '[0.5]']],
  ['mobilenet-v1-cifar', {}, 'mc1', mobile(), ['[0.5]', '[0.5]']],
  ['alexnet-bn', {}, 'alexBN', alexnet, []],
  ['resnet18-imagenet', {}, 'resnet18', imagenet([2, 2, 2, 2], 1), []],
  ['resnet34-imagenet', {}, 'resnet34', imagenet([3, 4, 6, 3], 1), []],
  ['resnet50', {}, 'resnet50', imagenet([3, 4, 6, 3], 4), []],
  ['resnet101-imagenet', {}, 'resnet101', imagenet([3, 4, 23, 3], 4), []],
  ['resnet152-imagenet', {}, 'resnet152', imagenet([3, 8, 36, 3], 4), []],
]

it.each([...networks, ...more])(
  '%s %o is %s there, with its names and shapes',
  (name, options, called, expected, inputs) => {
    const { model, tensors } = network(name, options)
    const { tensors: theirs, metadata } = asGsm({ tensors, metadata: {} })
    const { deps, ...found } = shapesOf(theirs)
    expect(found).toEqual(expected)
    expect(deps !== undefined).toBe(/^(rc|wrn|vc)/.test(called))
    expect(metadata).toMatchObject({ model: name, classes: String(model.classes) })
    // Its own file says nothing but names and shapes.
    const known = gsmNetworkOf(theirs)!
    expect(known.said).toMatch(new RegExp(`^is ${called} of the code of GSM, here ${name}`))
    expect([known.metadata.mean, known.metadata.std].filter(Boolean)).toEqual(inputs)
    expect(known.metadata).toMatchObject({ model: name, classes: String(model.classes) })
    for (const ours of tensors.keys()) {
      const there = [...theirs].find(([, tensor]) => tensor === tensors.get(ours))![0]
      expect(known.named(there)).toBe(ours)
    }
    expect(known.named('deps')).toBeUndefined()
  },
)

it('widths stand in the order of its constructor: the shortcut of a block before its convolutions', () => {
  const { tensors } = network('resnet56', { widen: 0.5 })
  const { dtype, shape, data } = asGsm({ tensors, metadata: {} }).tensors.get('deps')!
  expect([dtype, shape]).toEqual(['I64', [57]])
  const widths = [...new BigInt64Array(Uint8Array.from(data).buffer)].map(Number)
  expect(widths).toEqual([...Array(19).fill(8), ...Array(19).fill(16), ...Array(19).fill(32)])
})

it('widths of a wide residual network: of a stage those of the projection and the convolutions', () => {
  const { tensors } = network('wrn-16-gsm')
  const { data } = asGsm({ tensors, metadata: {} }).tensors.get('deps')!
  const widths = [...new BigInt64Array(Uint8Array.from(data).buffer)].map(Number)
  expect(widths).toEqual([16, ...Array(5).fill(128), ...Array(5).fill(256), ...Array(5).fill(512)])
})

it('of two networks with the same tensors the file says which', () => {
  const { tensors } = network('wrn-16-gsm-dropout')
  const { tensors: theirs, metadata } = asGsm({ tensors, metadata: { model: 'wrn-16-gsm-dropout' } })
  expect([theirs.has('last_bn.weight'), metadata.model]).toEqual([true, 'wrn-16-gsm-dropout'])
  expect(gsmNetworkOf(theirs)!.metadata.model).toBe('wrn-16-gsm')
})

it.each([networks[0], networks[3]])('%s %o: a file that is written is read again to the bit', async (name, options) => {
  const { model, tensors } = network(name, options, true)
  const path = join(temporaryFolder(), 'finish.hdf5')
  const metadata = { model: name, classes: String(model.classes), widen: '0.5', mean: '[0.25]', std: '[0.125]' }
  await writeNetwork(path, { weights: { tensors, metadata } })
  const notes: string[] = []
  const read = await readWeights(path, {}, (sentence) => notes.push(sentence))
  // What it says of its inputs comes before what that code trains on.
  expect([read.metadata, notes]).toEqual([metadata, []])
  for (const [key, { shape, data }] of tensors) {
    const found = read.tensors.get(key)!
    expect([key, found.shape, Buffer.compare(found.data, data)]).toEqual([key, shape, 0])
  }
})

it("a file of that code brings its network and its inputs, which a note says; counters don't matter", async () => {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const path = join(temporaryFolder(), 'finish.hdf5')
  const file = new File(path, 'w')
  const shapes = rc(9)
  for (const [n, [name, shape]] of Object.entries(shapes).entries()) {
    file.create_dataset({ name, data: values(shape, n), shape: [...shape] })
    if (name.endsWith('running_var'))
      file.create_dataset({
        name: name.replace('running_var', 'num_batches_tracked'),
        data: BigInt64Array.of(781n),
        shape: [],
      })
  }
  file.close()
  const notes: string[] = []
  const read = await readWeights(path, {}, (sentence) => notes.push(sentence))
  expect(notes).toEqual([
    `${path} is rc56 of the code of GSM, here resnet56, whose inputs are (pixel / 255 - 0.5) / 0.5`,
  ])
  expect(read.metadata).toEqual({ model: 'resnet56', classes: '10', widen: '1', mean: '[0.5]', std: '[0.5]' })
  expect(() => checkFits(findModel('resnet56'), read, path)).not.toThrow()
  const names = Object.keys(shapes)
  const there = (name: string) => values(shapes[name], names.indexOf(name))
  for (const [here, name] of Object.entries({
    'conv1.weight': 'conv1.conv.weight',
    'bn1.running_var': 'conv1.bn.running_var',
    'layer2.0.downsample.0.weight': 'stage2.0.shortcut.conv.weight',
    'layer3.0.downsample.1.bias': 'stage3.0.shortcut.bn.bias',
    'layer3.8.conv2.weight': 'stage3.8.conv2.conv.weight',
    'fc.weight': 'linear.weight',
  }))
    expect(toFloats(read.tensors.get(here)!), here).toEqual(there(name))
  expect(read.tensors.get('layer3.0.downsample.1.num_batches_tracked')).toMatchObject({ dtype: 'I64', shape: [] })
})

it.each<[string, () => ReadonlyMap<string, StoredTensor>, Record<string, string>]>([
  ['of another depth', () => network('resnet20').tensors, {}],
  ['that says it is another', () => network('resnet56').tensors, { model: 'resnet20' }],
  ['without biases', () => network('mlpnet').tensors, {}],
  [
    'with another hidden layer',
    () =>
      new Map([...network('lenet-300-100').tensors, ['fc2.weight', storeFloats(values([100, 301], 0), [100, 301])]]),
    {},
  ],
  [
    'with one layer more',
    () => new Map([...network('resnet56').tensors, ['fc2.weight', storeFloats(values([10, 10], 0), [10, 10])]]),
    { model: 'resnet56' },
  ],
  ['of which a tensor is missing', () => new Map([...network('lenet-5').tensors].slice(1)), { model: 'lenet-5' }],
])('a network %s keeps the names here', (_, tensors, metadata) => {
  const file = { tensors: new Map(tensors()), metadata }
  expect(asGsm(file)).toBe(file)
  expect(gsmNetworkOf(file.tensors)).toBeUndefined()
})

it('masks and momentum keep to their layers', () => {
  const { tensors } = network('lenet-300-100')
  tensors.set('fc1.weight.mask', storeFloats(Float32Array.of(1), [1]))
  const theirs = asGsm({ tensors, metadata: {} }).tensors
  expect(theirs.has('linear1.weight')).toBe(true)
  expect(theirs.has('linear1.weight.mask')).toBe(true)
})
