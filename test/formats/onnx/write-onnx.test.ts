/**
 * @file ONNX models that were read and are written again: what was not to change is as it was, and ONNX
 * Runtime finds the same.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, type ModelProto, ModelProtoSchema } from 'onnx-buf'
import { InferenceSession } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { writeNetwork } from '../../../src/formats/network-file.ts'
import { divided, encodeModel } from '../../../src/formats/onnx/encode.ts'
import { openModel } from '../../../src/formats/onnx/file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { isSparse, placesOf, storedValue } from '../../../src/formats/onnx/places.ts'
import { floatsAs } from '../../../src/formats/onnx/rewrite.ts'
import { toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { readWeights } from '../../../src/formats/weights-file.ts'
import { type OnnxOptions, writeOnnx } from '../../../src/formats/write-onnx.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { runModel } from '../../support/onnx.ts'
import { farthest } from './images.ts'
import { type Body, type ModelText, mixed, modelBytes } from './models.ts'

/** A fraction of the weights, the same places whatever the rest. */
const thin = (count: number, seed = 1) => mixed(count, seed).map((value, i) => (i % 10 === 0 ? value : 0))
const norm = (channels: number, seed: number) => ({
  [`scale${seed}`]: { shape: [channels], values: mixed(channels, seed).map((x) => 1 + x / 8) },
  [`shift${seed}`]: { shape: [channels], values: mixed(channels, seed + 1) },
  [`mean${seed}`]: { shape: [channels], values: mixed(channels, seed + 2) },
  [`var${seed}`]: { shape: [channels], values: mixed(channels, seed + 3).map((x) => 0.5 + x * x) },
})

/**
 * Two heads behind convolutions with batch normalizations, one of which ends in a softmax; of 8 channels two
 * are dead, and the sum of a shape is stored.
 */
const twoHeads: ModelText = {
  inputs: { image: ['N', 2, 6, 6] },
  stored: {
    w1: { shape: [8, 2, 3, 3], values: mixed(144).map((x, i) => (i < 36 ? 0 : x)) },
    ...norm(8, 3),
    w2: { shape: [4, 8, 3, 3], values: mixed(288, 2).map((x, i) => (i % 72 < 18 ? 0 : x)) },
    b2: { shape: [4], values: mixed(4, 9) },
    target: { shape: [2], values: [-1, 144], type: 'int64' },
    fc: { shape: [144, 3], values: thin(432, 5) },
    fcb: { shape: [3], values: mixed(3, 8) },
    other: { shape: [1, 8, 1, 1], values: mixed(8, 11) },
  },
  steps: [
    { op: 'Conv', name: 'first', in: ['image', 'w1'], out: 'c1', with: { pads: [1, 1, 1, 1] } },
    { op: 'BatchNormalization', in: ['c1', 'scale3', 'shift3', 'mean3', 'var3'], out: 'n1' },
    { op: 'Relu', in: ['n1'], out: 'r1' },
    { op: 'Conv', in: ['r1', 'w2', 'b2'], out: 'c2', with: { pads: [1, 1, 1, 1], kernel_shape: [3, 3] } },
    { op: 'Reshape', in: ['c2', 'target'], out: 'flat' },
    { op: 'MatMul', in: ['flat', 'fc'], out: 'product' },
    { op: 'Add', in: ['product', 'fcb'], out: 'logits' },
    { op: 'Softmax', in: ['logits'], out: 'probabilities', with: { axis: -1 } },
    { op: 'Conv', in: ['r1', 'other'], out: 'map', with: { kernel_shape: [1, 1] } },
  ],
  outputs: ['probabilities', 'map'],
  opset: 13,
}

function described(bytes: Uint8Array): ModelProto {
  const model = fromBinary(ModelProtoSchema, bytes)
  model.producerName = 'somebody'
  model.producerVersion = '7.1'
  model.docString = 'what it is for'
  model.graph!.docString = 'how it was made'
  model.metadataProps = [{ $typeName: 'onnx.StringStringEntryProto', key: 'license', value: 'none' }]
  return model
}

/** Writes a model that was read; what is known of the file, and its bytes. */
async function rewritten(bytes: Uint8Array, options: OnnxOptions = {}) {
  const path = join(temporaryFolder(), 'out.onnx')
  const weights = readOnnx(bytes, 'in.onnx')
  const { onnx } = await writeNetwork(path, { weights, onnx: weights.onnx }, options)
  return { written: onnx!, bytes: readFileSync(path), path }
}

const images = (batch: number, ...sample: number[]) => ({
  shape: [batch, ...sample],
  values: mixed(batch * sample.reduce((a, b) => a * b, 1), 21),
})

async function apart(before: Uint8Array, after: Uint8Array, feeds: Parameters<typeof runModel>[1]): Promise<number> {
  const [expected, found] = [await runModel(before, feeds), await runModel(after, feeds)]
  expect([...found.keys()]).toEqual([...expected.keys()])
  return Math.max(...[...expected].map(([name, values]) => farthest(found.get(name)!, values)))
}

const forms: Record<string, OnnxOptions> = {
  'as it is': {},
  'as nonzeros': { sparse: true },
  'in halves': { float16: true },
  folded: { foldBatchNorm: true },
  compact: { compact: true },
  'for a batch of 3': { batch: 3 },
  'all at once': { sparse: true, float16: true, foldBatchNorm: true, compact: true, batch: 3 },
}

describe.each(Object.entries(forms))('a model with two heads %s', (_form, options) => {
  it('keeps inputs, outputs, names, versions and documentation, and computes the same', async () => {
    const model = described(modelBytes(twoHeads))
    const before = toBinary(ModelProtoSchema, model)
    const { bytes, written } = await rewritten(before, options)
    const feeds = new Map([['image', images(3, 2, 6, 6)]])
    expect(await apart(before, bytes, feeds)).toBeLessThan(options.float16 ? 5e-3 : 1e-5)
    const after = fromBinary(ModelProtoSchema, bytes)
    const facts = ({ producerName, producerVersion, docString, irVersion, opsetImport, graph }: ModelProto) => ({
      producerName,
      producerVersion,
      docString,
      irVersion,
      opsetImport,
      name: graph!.name,
      doc: graph!.docString,
      outputs: graph!.output.map(({ name }) => name),
      input: graph!.input.map(({ name }) => name),
    })
    expect(facts(after)).toEqual(facts(model))
    expect(after.metadataProps).toMatchObject([{ key: 'license', value: 'none' }])
    const names = ({ graph }: ModelProto) =>
      graph!.node.filter(({ opType }) => opType !== 'Cast').map(({ opType, name }) => `${opType} ${name}`)
    const kept = names(model).filter((one) => !options.foldBatchNorm || !one.startsWith('BatchNormalization'))
    expect(names(after)).toEqual(kept)
    if (!options.batch) expect(after.graph!.input).toEqual(model.graph!.input)
    expect(written.agreement!.outputs.map(({ name }) => name)).toEqual(['probabilities', 'map'])
    expect(written.agreement!.lacking).toEqual([])
  })
})

it('compaction changes what says how many channels there are, and leaves what does not need them smaller', async () => {
  const { written } = await rewritten(modelBytes(twoHeads), { compact: true })
  const shapes = (name: string) => written.file.stored.get(name)!().shape
  expect([shapes('w1'), shapes('scale3'), shapes('w2'), shapes('other')]).toEqual([
    [6, 2, 3, 3],
    [6],
    [4, 6, 3, 3],
    [1, 6, 1, 1],
  ])
  const padded = await rewritten(modelBytes(twoHeads), { compact: true, multipleOf: 4 })
  expect(padded.written.file.stored.get('w1')!().shape).toEqual([8, 2, 3, 3])
})

it('compaction changes a stored shape, and puts constants into a bias that was not there', async () => {
  const model = modelBytes({
    inputs: { x: ['N', 3] },
    stored: {
      // Row 1 is always 0 and row 2 always a constant.
      a: { shape: [3, 6], values: mixed(18).map((x, i) => ([1, 2].includes(i % 6) ? 0 : x)) },
      ab: { shape: [6], values: [1, 0, 2, 3, 4, 5] },
      shape: { shape: [3], values: [-1, 6, 1], type: 'int64' },
      flat: { shape: [2], values: [0, 6], type: 'int64' },
      b: { shape: [6, 2], values: mixed(12, 4) },
    },
    steps: [
      { op: 'Gemm', in: ['x', 'a', 'ab'], out: 'h' },
      { op: 'Relu', in: ['h'], out: 'r' },
      { op: 'Reshape', in: ['r', 'shape'], out: 'three' },
      { op: 'Reshape', in: ['three', 'flat'], out: 'two' },
      { op: 'MatMul', in: ['two', 'b'], out: 'y' },
    ],
    outputs: ['y'],
  })
  const { bytes, written } = await rewritten(model, { compact: true })
  expect(await apart(model, bytes, new Map([['x', images(4, 3)]]))).toBeLessThan(1e-6)
  const shapes = ['a', 'b'].map((name) => written.file.stored.get(name)!().shape)
  expect(shapes).toEqual([
    [3, 4],
    [4, 2],
  ])
})

it('what computes its number of channels from a stored number that cannot change keeps them', async () => {
  const model = modelBytes({
    inputs: { x: ['N', 3] },
    stored: {
      a: { shape: [3, 6], values: mixed(18).map((x, i) => (i % 6 === 1 ? 0 : x)) },
      first: { shape: [1], values: [-1], type: 'int64' },
      six: { shape: [1], values: [6], type: 'int64' },
      b: { shape: [6, 2], values: mixed(12, 4) },
    },
    steps: [
      { op: 'MatMul', in: ['x', 'a'], out: 'h' },
      { op: 'Concat', in: ['first', 'six'], out: 'shape', with: { axis: 0 } },
      { op: 'Reshape', in: ['h', 'shape'], out: 'again' },
      { op: 'MatMul', in: ['again', 'b'], out: 'y' },
    ],
    outputs: ['y'],
  })
  const { bytes, written } = await rewritten(model, { compact: true })
  expect(await apart(model, bytes, new Map([['x', images(4, 3)]]))).toBeLessThan(1e-6)
  expect(written.file.stored.get('a')!().shape).toEqual([3, 6])
  expect(written.compact!.layers[0].stay).toEqual({ fixed: 1 })
})

describe('tensors', () => {
  const steps = (op: string): ModelText['steps'] => [{ op, in: ['x', 'w'], out: 'y' }]
  const sparse = (type: 'float' | 'double' | 'float16') =>
    modelBytes({
      inputs: { x: ['N', 6] },
      stored: { w: { shape: [6, 5], values: thin(30), type, sparse: true } },
      steps:
        type === 'float'
          ? steps('MatMul')
          : [
              { op: 'Cast', in: ['w'], out: 'v', with: { to: 1 } },
              ...steps('MatMul').map((step) => ({ ...step, in: ['x', 'v'] })),
            ],
      outputs: ['y'],
    })

  it.each(['float', 'double', 'float16'] as const)(
    'sparse ones of %s keep their orientation and their type',
    async (type) => {
      const before = sparse(type)
      const { bytes } = await rewritten(before)
      expect(await apart(before, bytes, new Map([['x', images(3, 6)]]))).toBe(0)
      expect(fromBinary(ModelProtoSchema, bytes).graph!.sparseInitializer).toHaveLength(1)
      // Other values, as pruning gives them.
      const weights = readOnnx(before, 'in.onnx')
      const tensor = weights.tensors.get('w')!
      const values = toFloats(tensor).map((value, i) => (i % 2 ? 0 : value))
      weights.tensors.set('w', floatsAs('F32', tensor.shape, values))
      const path = join(temporaryFolder(), 'out.onnx')
      await writeNetwork(path, { weights, onnx: weights.onnx })
      const [proto] = fromBinary(ModelProtoSchema, readFileSync(path)).graph!.sparseInitializer
      expect(proto.values!.dataType).toBe(DataType[type.toUpperCase() as 'FLOAT'])
      expect([...toFloats((await readWeights(path)).tensors.get('w')!)]).toEqual([...values])
    },
  )

  it('in Constants become sparse and halves as well, and are pruned where they are', async () => {
    const before = modelBytes({
      inputs: { x: ['N', 6] },
      steps: [
        { op: 'Constant', in: [], out: 'w', with: { value: { tensor: { shape: [6, 5], values: thin(30) } } } },
        ...steps('MatMul'),
      ],
      outputs: ['y'],
    })
    const feeds = new Map([['x', images(3, 6)]])
    for (const options of [{ sparse: true }, { float16: true }]) {
      const { bytes } = await rewritten(before, options)
      expect(await apart(before, bytes, feeds)).toBeLessThan(1e-3)
      const [constant] = fromBinary(ModelProtoSchema, bytes).graph!.node
      const tensor = storedValue(constant)!
      expect(isSparse(tensor) ? 'sparse' : DataType[tensor.dataType]).toBe(options.sparse ? 'sparse' : 'FLOAT16')
    }
  })

  it('that are an output, or an input with a default, stay dense, since runtimes load them so alone', async () => {
    const before = modelBytes({
      inputs: { x: ['N', 6] },
      stored: { w: { shape: [6, 5], values: thin(30) } },
      steps: steps('MatMul'),
      outputs: ['y', 'w'],
    })
    const { bytes, written } = await rewritten(before, { sparse: true })
    expect(await apart(before, bytes, new Map([['x', images(3, 6)]]))).toBe(0)
    expect(written.notes).toEqual(['stored with all values, since a runtime could not load it otherwise: w'])
  })

  it('beyond the largest half stay float32, and a line says which; zeros are counted after rounding', async () => {
    const values = mixed(30).map((x, i) => (i === 0 ? 65_520 : i === 1 ? 1e-9 : x))
    const model = (first: number) =>
      modelBytes({
        inputs: { x: ['N', 6] },
        stored: {
          w: { shape: [6, 5], values: values.with(0, first) },
          m: { shape: [1, 5], values: [0, 0, 0, -Infinity, 0] },
        },
        steps: [
          { op: 'MatMul', in: ['x', 'w'], out: 'h' },
          { op: 'Add', in: ['h', 'm'], out: 'y' },
        ],
        outputs: ['y'],
      })
    const { written } = await rewritten(model(65_520), { float16: true })
    expect(written.notes).toEqual(['stays float32, since halves end at 65,504: w'])
    const within = await rewritten(model(65_519), { float16: true })
    expect(within.written.notes).toEqual([])
    expect(toFloats(within.written.file.stored.get('w.float16')!())[0]).toBe(65_504)
    expect([written.floats.zeros, within.written.floats.zeros]).toEqual([4, 5])
  })

  it('that are inputs with a default are inputs in halves as well, and a line says so', async () => {
    const before = modelBytes({
      inputs: { x: ['N', 6], w: [6, 5] },
      stored: { w: { shape: [6, 5], values: mixed(30) } },
      steps: steps('MatMul'),
      outputs: ['y'],
      opset: 8,
    })
    const { bytes, written } = await rewritten(before, { float16: true })
    expect(await apart(before, bytes, new Map([['x', images(3, 6)]]))).toBeLessThan(1e-3)
    const { graph } = fromBinary(ModelProtoSchema, bytes)
    expect(graph!.input.map(({ name }) => name)).toEqual(['x', 'w.float16'])
    expect(written.notes).toEqual(['no longer inputs whose default can be replaced: w'])
  })

  it('in halves take names that nothing has, in no graph', async () => {
    const inner = (factor: number): Body => ({
      stored: { w: { shape: [6, 5], values: mixed(30).map((x) => factor * x) } },
      steps: [{ op: 'MatMul', in: ['x', 'w'], out: 'z' }],
      outputs: ['z'],
    })
    const before = modelBytes({
      inputs: { x: ['N', 6] },
      stored: {
        w: { shape: [6, 5], values: mixed(30) },
        'v.float16': { shape: [5], values: mixed(5) },
        v: { shape: [6, 5], values: mixed(30, 2) },
        yes: { shape: [], values: [1], type: 'bool' },
      },
      steps: [
        { op: 'MatMul', in: ['x', 'w'], out: 'a', name: 'v.cast' },
        { op: 'MatMul', in: ['x', 'v'], out: 'b' },
        {
          op: 'If',
          in: ['yes'],
          out: 'c',
          with: { then_branch: { graph: inner(2) }, else_branch: { graph: inner(3) } },
        },
        { op: 'Sum', in: ['a', 'b', 'c', 'v.float16'], out: 'y' },
      ],
      outputs: ['y'],
    })
    const { bytes, written } = await rewritten(before, { float16: true })
    expect(await apart(before, bytes, new Map([['x', images(3, 6)]]))).toBeLessThan(2e-3)
    expect(written.notes).toEqual([expect.stringMatching(/^stays float32, since several graphs have that name: w, /)])
    expect([...written.file.stored.keys()]).toContain('v.float16.2')
  })

  it('keep their types in safetensors, and quantized ones are there beside what they stand for', async () => {
    const before = modelBytes({
      inputs: { x: ['N', 2] },
      stored: {
        d: { shape: [2, 3], values: [1 / 3, 1e-30, 2, 3, 4, 5], type: 'double' },
        q: { shape: [3, 2], values: [1, -2, 3, 4, 5, 6], type: 'int8' },
        scale: { shape: [], values: [0.5] },
      },
      steps: [
        { op: 'Cast', in: ['d'], out: 'f', with: { to: 1 } },
        { op: 'MatMul', in: ['x', 'f'], out: 'h' },
        { op: 'DequantizeLinear', in: ['q', 'scale'], out: 'w' },
        { op: 'MatMul', in: ['h', 'w'], out: 'y' },
      ],
      outputs: ['y', 'h'],
    })
    const path = join(temporaryFolder(), 'out.safetensors')
    const weights = readOnnx(before, 'in.onnx')
    await writeNetwork(path, { weights, onnx: weights.onnx })
    const { tensors } = await readWeights(path)
    expect([...tensors].map(([name, { dtype }]) => `${name} ${dtype}`).sort()).toEqual([
      'd F64',
      'q I8',
      'scale F32',
      'w F32',
    ])
    // As a layer's weight, [outputs, inputs].
    expect([...new Float64Array(Uint8Array.from(tensors.get('d')!.data).buffer)]).toEqual([1 / 3, 3, 1e-30, 4, 2, 5])
  })

  it('of doubles are not rounded, not even those next to one that changes', async () => {
    const values = [1 / 3, 1e300, -0, 1e-300, 2, 3]
    const before = modelBytes({
      inputs: { x: ['N', 2] },
      stored: { w: { shape: [2, 3], values, type: 'double' } },
      steps: [
        { op: 'Cast', in: ['x'], out: 'd', with: { to: 11 } },
        { op: 'MatMul', in: ['d', 'w'], out: 'y:double' },
      ],
      outputs: ['y:double'],
    })
    const weights = readOnnx(before, 'in.onnx')
    const doubles = (bytes: Uint8Array) => [
      ...new Float64Array(Uint8Array.from(readOnnx(bytes, '').onnx.file.stored.get('w')!().data).buffer),
    ]
    expect(doubles((await rewritten(before)).bytes)).toEqual(values)
    const pruned = new Map([
      ['w', { ...weights.tensors.get('w')!, data: new Uint8Array(Float64Array.from(values.with(4, 0)).buffer) }],
    ])
    const path = join(temporaryFolder(), 'out.onnx')
    await writeNetwork(path, { weights: { ...weights, tensors: new Map() }, onnx: weights.onnx, changed: pruned })
    expect(doubles(readFileSync(path))).toEqual(values.with(4, 0))
  })

  it('that a fresh network shares are given values of their own where they are read', async () => {
    // As writers that store equal tensors once leave them: scale and variance are one, shift and mean
    // another.
    const before = modelBytes({
      inputs: { x: ['N', 2, 4, 4] },
      stored: {
        w: { shape: [2, 2, 1, 1], values: mixed(4) },
        ones: { shape: [2], values: [1, 1] },
        zeros: { shape: [2], values: [0, 0] },
        fc: { shape: [3, 32], values: mixed(96) },
      },
      steps: [
        { op: 'Conv', in: ['x', 'w'], out: 'c', with: { kernel_shape: [1, 1] } },
        { op: 'BatchNormalization', name: 'bn', in: ['c', 'ones', 'zeros', 'zeros', 'ones'], out: 'n' },
        { op: 'Flatten', in: ['n'], out: 'f' },
        { op: 'Gemm', in: ['f', 'fc'], out: 'y', with: { transB: 1 } },
      ],
      outputs: ['y'],
    })
    const weights = readOnnx(before, 'in.onnx')
    expect([...weights.tensors.keys()].sort()).toEqual(['bn.mean', 'bn.variance', 'fc', 'ones', 'w', 'zeros'])
    const set = (name: string, values: number[]) => weights.tensors.set(name, floatsAs('F32', [2], values))
    set('ones', [2, 3])
    set('bn.variance', [4, 9])
    set('bn.mean', [0.5, -1])
    const path = join(temporaryFolder(), 'out.onnx')
    await writeNetwork(path, { weights, onnx: weights.onnx })
    const bytes = readFileSync(path)
    const file = fromBinary(ModelProtoSchema, bytes)
    const norm = file.graph!.node.find(({ opType }) => opType === 'BatchNormalization')!
    const stored = norm.input.slice(1).map((name) => [...toFloats(readOnnx(bytes, '').onnx.file.stored.get(name)!())])
    expect(stored).toEqual([
      [2, 3],
      [0, 0],
      [0.5, -1],
      [4, 9],
    ])
    expect([...toFloats((await readWeights(path)).tensors.get('fc')!)]).toEqual([
      ...toFloats(weights.tensors.get('fc')!),
    ])
  })

  it('that nodes compute from stored ones are weights of the network, and stored where they are read once they change', async () => {
    const before = modelBytes({
      inputs: { x: ['N', 2, 4, 4] },
      stored: {
        raw: { shape: [3, 2, 1, 1], values: mixed(6) },
        variance: { shape: [3], values: [1, 4, 9] },
        three: { shape: [4], values: [3, 1, 1, 1], type: 'int64' },
      },
      steps: [
        { op: 'Sqrt', in: ['variance'], out: 'root' },
        { op: 'Reshape', in: ['root', 'three'], out: 'column' },
        { op: 'Div', in: ['raw', 'column'], out: 'kernel' },
        { op: 'Conv', in: ['x', 'kernel'], out: 'c', with: { kernel_shape: [1, 1] } },
        { op: 'GlobalAveragePool', in: ['c'], out: 'g' },
        { op: 'Flatten', in: ['g'], out: 'y' },
      ],
      outputs: ['y'],
    })
    const weights = readOnnx(before, 'in.onnx')
    const kernel = weights.tensors.get('kernel')!
    expect(kernel.shape).toEqual([3, 2, 1, 1])
    weights.tensors.set(
      'kernel',
      floatsAs(
        'F32',
        kernel.shape,
        toFloats(kernel).map((w, i) => (i === 2 ? 0 : w)),
      ),
    )
    const path = join(temporaryFolder(), 'out.onnx')
    const { onnx } = await writeNetwork(path, { weights, onnx: weights.onnx })
    expect(onnx!.file.graph.node.map(({ opType }) => opType)).toEqual(['Conv', 'GlobalAveragePool', 'Flatten'])
    const again = (await readWeights(path)).tensors.get(onnx!.file.graph.node[0].input[1])!
    expect([...again.data]).toEqual([...weights.tensors.get('kernel')!.data])
  })
})

it('beyond the limit of the format values lie in a file beside the model, which ONNX Runtime and we read', async () => {
  const values = mixed(4096)
  const model = modelBytes({
    inputs: { x: ['N', 64] },
    stored: { w: { shape: [64, 64], values } },
    steps: [{ op: 'MatMul', in: ['x', 'w'], out: 'y' }],
    outputs: ['y'],
  })
  const proto = fromBinary(ModelProtoSchema, model)
  expect(divided(proto, 'w.data', model.length)).toBeUndefined()
  const apart = divided(proto, 'w.data', model.length - 1)!
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'w.data'), Buffer.concat(apart.data))
  writeFileSync(join(folder, 'model.onnx'), Buffer.concat(encodeModel(apart.model)))
  expect([...toFloats((await readWeights(join(folder, 'model.onnx'))).onnx!.file.stored.get('w')!())]).toEqual([
    ...Float32Array.from(values),
  ])
  const session = await InferenceSession.create(join(folder, 'model.onnx'))
  expect(session.outputNames).toEqual(['y'])
  await session.release()
})

it('a model that is not what was meant keeps what was there, and says that the error is ours', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'out.onnx')
  writeFileSync(path, 'before')
  const [file, other] = [
    twoHeads,
    { ...twoHeads, stored: { ...twoHeads.stored, b2: { shape: [4], values: [1, 2, 3, 4] } } },
  ].map((text) => readOnnx(modelBytes(text), 'in.onnx').onnx.file)
  const said = /out\.onnx is not written: .*\(tensor b2 is another\); this is an error of Espalier, please report it/
  await expect(writeOnnx(path, { file, target: other, changed: new Set() }, {})).rejects.toThrow(said)
  const renamed = described(modelBytes(twoHeads))
  renamed.graph!.output[1].name = 'elsewhere'
  const target = openModel(renamed, 'in.onnx')
  await expect(writeOnnx(path, { file, target, changed: new Set() }, {})).rejects.toThrow('changed); this is an error')
  // A folded one that computes something else.
  const wrong = { file: other, target: file, changed: new Set<string>() }
  await expect(writeOnnx(path, wrong, { foldBatchNorm: true })).rejects.toThrow('of output probabilities is')
  expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['before', ['out.onnx']])
})

it('every place of a written file has a key of its own', () => {
  const { onnx } = readOnnx(modelBytes(twoHeads), 'in.onnx')
  const keys = placesOf(onnx.file.proto).map(({ key }) => key)
  expect(new Set(keys).size).toBe(keys.length)
})
