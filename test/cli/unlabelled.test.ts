/** @file Networks that are no classifiers, and data without labels: what prune and eval make of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { beforeEach, expect, it } from 'vitest'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { toFloats } from '../../src/formats/safetensors-bytes.ts'
import { readBytes } from '../../src/util/files.ts'
import { random } from '../../src/util/random.ts'
import { floats, sound16, wavBytes, writeNpy, writeNpz } from '../data/arrays/array-files.ts'
import { writeImage, writeImageFolder } from '../data/image-files.ts'
import { severalWritten } from '../formats/onnx/several.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const draw = random(11, 'unlabelled')
const normal = (n: number, scale = 1) => Array.from({ length: n }, () => scale * draw.normal())
const stored = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b)
  return { shape, values: normal(size, Math.sqrt(2 / (size / shape[0]))) }
}

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

/** Boxes and kinds at the places of an image of 8 x 12 pixels. */
function detector(): string {
  const path = join(folder, 'detector.onnx')
  const head = (name: string, weight: string, last: number, out: string) => [
    { op: 'Conv', inputs: ['h', weight], output: `${name}0` },
    { op: 'Transpose', inputs: [`${name}0`], output: `${name}1`, attributes: { perm: [0, 2, 3, 1] } },
    { op: 'Reshape', inputs: [`${name}1`, `last${last}`], outputs: [out] },
  ]
  const bytes = severalWritten(
    { image: [-1, 3, 8, 12] },
    { boxes: [-1, 24, 4], kinds: [-1, 24, 3] },
    {
      stored: {
        first: stored(8, 3, 3, 3),
        box: stored(4, 8, 1, 1),
        kind: stored(3, 8, 1, 1),
        last4: { shape: [3], values: [0, -1, 4], whole: true },
        last3: { shape: [3], values: [0, -1, 3], whole: true },
      },
      steps: [
        { op: 'Conv', inputs: ['image', 'first'], output: 'c', attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
        { op: 'Relu', inputs: ['c'], output: 'h' },
        ...head('b', 'box', 4, 'boxes'),
        ...head('k', 'kind', 3, 'logits'),
        { op: 'Softmax', inputs: ['logits'], outputs: ['kinds'], attributes: { axis: -1 } },
      ],
    },
  )
  writeFileSync(path, bytes)
  return path
}

/** Two inputs, of 3 x 4 and 5 numbers, and one output of 6. */
function twoInputs(): string {
  const path = join(folder, 'two.onnx')
  const bytes = severalWritten(
    { x: [-1, 3, 4], state: [-1, 5] },
    { y: [-1, 6] },
    {
      stored: {
        flat: { shape: [2], values: [0, 12], whole: true },
        w1: stored(12, 16),
        w2: stored(5, 16),
        w3: stored(16, 6),
      },
      steps: [
        { op: 'Reshape', inputs: ['x', 'flat'], output: 'f' },
        { op: 'MatMul', inputs: ['f', 'w1'], output: 'a' },
        { op: 'MatMul', inputs: ['state', 'w2'], output: 'b' },
        { op: 'Add', inputs: ['a', 'b'], output: 's' },
        { op: 'Relu', inputs: ['s'], output: 'r' },
        { op: 'MatMul', inputs: ['r', 'w3'], outputs: ['y'] },
      ],
    },
  )
  writeFileSync(path, bytes)
  return path
}

async function images(count = 20): Promise<string> {
  const place = join(folder, 'images')
  for (let i = 0; i < count; i++)
    await writeImage(join(place, `${i}.png`), { width: 12, height: 8, value: () => Math.floor(256 * draw.uniform()) })
  return place
}

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await espalier(args, { env: { ESPALIER_CACHE: folder } })
  return { code, stderr, stdout }
}
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0]
}
const refusal = async (...args: string[]) => {
  const { code, stderr } = await run(...args)
  expect(code).toBe(1)
  expect(stderr.trimEnd()).not.toContain('\n')
  return stderr.trimEnd()
}

it.each(['obc', 'sparsegpt'])(
  '%s prunes a detector with images alone, and eval finds the same distances',
  async (method) => {
    const [path, out, data] = [detector(), join(folder, 'out.onnx'), await images()]
    const pruned = await json('prune', path, '--data', data, '--method', method, '--sparsity', '0.5', '-o', out)
    expect(pruned).toMatchObject({
      notes: ['of every 5 samples the last one is one of the test: 4 of 20'],
      prunable: { size: 272, kept: 136 },
      dense: { loss: 0, count: 4 },
      guess: expect.stringContaining('distances are worth no more than the guess'),
    })
    const { outputs } = pruned.final as { outputs: { name: string; distance: number; unit: string }[] }
    expect(outputs.map(({ name, unit }) => [name, unit])).toEqual([
      ['boxes', 'variance'],
      ['kinds', 'nats'],
    ])
    for (const { distance } of outputs) expect(distance).toBeGreaterThan(1e-4)
    for (const { distance } of outputs) expect(distance).toBeLessThan(0.5)
    // The statistics of inputs are written beside the weights, so that eval makes the same inputs.
    const evaluated = await json('eval', out, '--dense', path, '--data', data)
    for (const [k, { distance }] of (evaluated.outputs as typeof outputs).entries())
      expect(distance / outputs[k].distance).toBeCloseTo(1, 3)
  },
)

it('layer by layer moves outputs less than magnitude does, where inputs go together', async () => {
  const mixed = (n: number, size: number, mix: number[]) =>
    Array.from({ length: n }, () => normal(3)).flatMap((hidden) =>
      Array.from({ length: size }, (_, i) =>
        hidden.reduce((sum, h, k) => sum + h * mix[3 * i + k], 0.1 * draw.normal()),
      ),
    )
  const path = twoInputs()
  const data = writeNpz(join(folder, 'data.npz'), {
    state: floats([100, 5], mixed(100, 5, normal(15))),
    x: floats([100, 3, 4], mixed(100, 12, normal(36))),
  })
  const compare = ['--compare', 'magnitude,obc,sparsegpt', '--sparsity', '0.6', '--polish', '0']
  const { results } = await json('prune', path, '--data', data, ...compare)
  const [magnitude, obc, sparsegpt] = (results as { loss: number }[]).map(({ loss }) => loss)
  expect(obc).toBeLessThan(magnitude / 2)
  expect(sparsegpt).toBeLessThan(magnitude)
})

it('what is printed says distances and how samples were taken', async () => {
  const [path, out, data] = [detector(), join(folder, 'out.onnx'), await images()]
  const prune = [
    'prune',
    path,
    '--data',
    data,
    '--method',
    'sparsegpt',
    '--sparsity',
    '0.5',
    '-o',
    out,
    '--polish',
    '0',
  ]
  const { stdout } = await run(...prune, '--fit', 'stretch')
  expect(stdout).toContain('images: each stretched to 8 x 12 (rows x columns) (of the command line)\n')
  expect(stdout).toMatch(/^\| boxes \(share of variance\) +\| 0\.0000 \| 0\.\d{4} \|$/m)
  expect(stdout).toMatch(/^\| kinds \(divergence, nats\) +\| 0\.0000 \| 0\.\d{4} \|$/m)
  expect(stdout).toContain('distances are from what the dense network computes of the test samples')
  expect(stdout).not.toContain('accuracy')
  const { stdout: table } = await run('eval', out, '--dense', path, '--data', data)
  expect(table).toContain(`images: each stretched to 8 x 12 (rows x columns) (of the weights file)\n`)
  expect(table).toMatch(/^distance 0\.\d+ from .*detector\.onnx on 4 samples, sparsity 50\.00 % of the 272 weights/m)
})

it('several inputs come by their names, and every weight sees its own', async () => {
  const [path, out] = [twoInputs(), join(folder, 'out.onnx')]
  const data = writeNpz(join(folder, 'data.npz'), {
    state: floats([40, 5], normal(200)),
    x: floats(
      [40, 3, 4],
      normal(480).map((value, i) => (i % 4 === 1 ? 0 : value)),
    ),
  })
  const { prunable, reconstructions } = await json(
    'prune',
    path,
    '--data',
    data,
    '--method',
    'obc',
    '--sparsity',
    '0.4',
    '-o',
    out,
  )
  expect(prunable).toMatchObject({ size: 368, kept: 221 })
  // A column of x is 0 throughout: the weights of its inputs have no effect, and go.
  expect((reconstructions as { name: string; dead: number }[]).map(({ name, dead }) => [name, dead])).toEqual([
    ['w1', 3],
    ['w2', 0],
    ['w3', 0],
  ])
  const { onnx } = readOnnx(readBytes(out), out)
  const w1 = toFloats(onnx.file.stored.get('w1')!())
  for (const row of [1, 5, 9]) expect([...w1.subarray(16 * row, 16 * row + 16)]).toEqual(Array(16).fill(0))
  const missing = writeNpy(join(folder, 'x.npy'), [1, 3, 4], normal(12))
  expect(await refusal('eval', path, '--dense', path, '--data', missing)).toBe(
    `espalier: ${missing} has no array for the input state [5] of ${path}: expected x, state`,
  )
  expect(await refusal('eval', path, '--data', data)).toBe(
    `espalier: ${data} has no labels of ${path}: expected --dense with the dense network, from whose results distances are`,
  )
  expect(await refusal('eval', path, '--dense', path, '--data', data, '--mean', '0')).toBe(
    `espalier: --mean is for images, and ${data} holds arrays, which are taken as they are`,
  )
  expect(await refusal('eval', path, '--dense', path, '--data', await images())).toContain(
    `images holds images, ${path} takes x, state: expected files of arrays (`,
  )
})

it('the pixels of images are what a network of bytes takes, whatever the order of its axes', async () => {
  const path = join(folder, 'bytes.onnx')
  const bytes = severalWritten(
    { pixels: [-1, 2, 3, 3] },
    { mean: [-1, 3] },
    {
      type: DataType.UINT8,
      stored: { w: { shape: [3, 3], values: [1, 0.1, 0.2, 0.3, 0.1, 1, 0.2, 1, 0.3] } },
      steps: [
        { op: 'Cast', inputs: ['pixels'], attributes: { to: 1 }, output: 'f' },
        { op: 'ReduceMean', inputs: ['f'], attributes: { axes: [1, 2], keepdims: 0 }, output: 'm' },
        { op: 'MatMul', inputs: ['m', 'w'], outputs: ['mean'] },
      ],
    },
  )
  writeFileSync(path, bytes)
  const data = join(folder, 'pixels')
  for (let i = 0; i < 5; i++)
    await writeImage(join(data, `${i}.png`), { width: 3, height: 2, value: (c, y, x) => 90 * c + 10 * y + x + i })
  const found = await json('eval', path, '--dense', path, '--data', data)
  expect(found).toMatchObject({
    mean: [0, 0, 0],
    loss: 0,
    sources: { mean: 'of pixels as they are, since the network takes bytes' },
  })
  // The same pixels as an array, with channels last.
  const values = [0, 1, 2, 3, 4].flatMap((i) =>
    [0, 1].flatMap((y) => [0, 1, 2].flatMap((x) => [0, 1, 2].map((c) => 90 * c + 10 * y + x + i))),
  )
  const array = writeNpy(join(folder, 'pixels.npy'), [5, 2, 3, 3], values)
  const halved = join(folder, 'halved.onnx')
  await json(
    'prune',
    path,
    '--data',
    array,
    '--method',
    'sparsegpt',
    '--sparsity',
    '0.2',
    '-o',
    halved,
    '--polish',
    '0',
  )
  const [ofImages, ofArrays] = [
    await json('eval', halved, '--dense', path, '--data', data),
    await json('eval', halved, '--dense', path, '--data', array),
  ]
  expect((ofImages.loss as number) / (ofArrays.loss as number)).toBeCloseTo(1, 4)
})

it('labels of other classes are left out where nothing but inputs is asked for', async () => {
  const path = join(folder, 'classes.onnx')
  const bytes = severalWritten(
    { image: [-1, 3, 3, 4] },
    { scores: [-1, 5] },
    {
      stored: { w: stored(36, 5) },
      steps: [
        { op: 'Flatten', inputs: ['image'], output: 'f' },
        { op: 'MatMul', inputs: ['f', 'w'], output: 'logits' },
        { op: 'Softmax', inputs: ['logits'], outputs: ['scores'] },
      ],
    },
  )
  writeFileSync(path, bytes)
  const two = await writeImageFolder(join(folder, 'two'), { value: () => Math.floor(256 * draw.uniform()) })
  const out = join(folder, 'out.onnx')
  const sizes = ['--size', '3x4']
  const found = await json('prune', path, '--data', two, '--method', 'obc', '--sparsity', '0.5', '-o', out, ...sizes)
  expect(found.notes).toEqual([`labels are left out: ${path} does not tell these 2 classes apart`])
  expect((found.final as { outputs: object[] }).outputs).toMatchObject([{ name: 'scores', unit: 'nats' }])
  expect(await refusal('eval', path, '--data', two, ...sizes)).toBe(
    `espalier: ${path} tells 5 classes apart, ${two} has 2`,
  )
})

it('sound is cut to the input; sizes that a file leaves open, and inputs that are always one number, are flags', async () => {
  const path = join(folder, 'sound.onnx')
  const bytes = severalWritten(
    { wave: [-1, 8], rate: [1] },
    { y: [-1, 4] },
    {
      stored: { w: stored(8, 4) },
      steps: [
        { op: 'MatMul', inputs: ['wave', 'w'], output: 'm' },
        { op: 'Mul', inputs: ['m', 'rate'], outputs: ['y'] },
      ],
    },
  )
  writeFileSync(path, bytes)
  const data = join(folder, 'sound')
  mkdirSync(data)
  const values = normal(83).map((x) => Math.round(4000 * x))
  writeFileSync(join(data, 'a.wav'), wavBytes({ rate: 16000, data: sound16(values) }))
  const given = ['--dense', path, '--data', data, '--given', 'rate=2']
  const found = await json('eval', path, ...given)
  expect(found).toMatchObject({ loss: 0, count: 2 })
  expect(found.notes).toContain('sound has 16,000 samples a second')
  expect(await refusal('eval', path, ...given, '--rate', '8000')).toBe(
    `espalier: ${join(data, 'a.wav')} has 16,000 samples a second, expected 8,000 (--rate): resample it`,
  )
  expect(await refusal('eval', path, ...given.slice(0, 4), '--given', 'rate=x')).toBe(
    "error: option '--given <name=number>' argument 'rate=x' is invalid. Expected NAME=NUMBER, found rate=x.",
  )
})

it('methods that look at gradients take those of projections, and move outputs less than magnitude does', async () => {
  const [path, data] = [detector(), await images(60)]
  const compare = 'magnitude,snip,woodfisher,cbs,chita,fisher-diagonal'
  const flags = ['--sparsity', '0.5', '--prunable', 'all']
  const { results } = await json('prune', path, '--data', data, '--compare', compare, ...flags)
  const found = new Map((results as { method: string; loss: number }[]).map(({ method, loss }) => [method, loss]))
  for (const method of ['woodfisher', 'cbs', 'chita']) expect(found.get(method)).toBeLessThan(found.get('magnitude')!)
  for (const method of ['snip', 'fisher-diagonal']) expect(found.get(method)).toBeLessThan(1)
  const grasp = ['prune', path, '--data', data, '--method', 'grasp', '--sparsity', '0.5', '-o', join(folder, 'g.onnx')]
  // Logits are divided by 200 where there are labels.
  expect((await json(...grasp)).final).toMatchObject({ loss: expect.any(Number) })
  expect(await refusal(...grasp, '--force', '--temperature', '200')).toBe(
    'espalier: temperature: logits are divided by it where samples have labels, and these have none: expected 1, found 200',
  )
})

it('--finetune brings the results of what is left nearer to those of the dense network', async () => {
  const [path, out, recipe] = [twoInputs(), join(folder, 'out.onnx'), join(folder, 'train.yaml')]
  const data = writeNpz(join(folder, 'data.npz'), {
    state: floats([300, 5], normal(1500)),
    x: floats([300, 3, 4], normal(3600)),
  })
  const train = (more = '', augment = '') =>
    writeFileSync(
      recipe,
      `name: t\nmodel: { name: lenet-300-100 }\ndata: { name: mnist${augment} }\ntrain: { epochs: 40, batch: 16, learningRate: 0.02, momentum: 0.9${more} }\n`,
    )
  train()
  const prune = [
    'prune',
    path,
    '--data',
    data,
    '--method',
    'magnitude',
    '--sparsity',
    '0.6',
    '-o',
    out,
    '--finetune',
    recipe,
  ]
  const { pruned, finetuned, prunable } = await json(...prune)
  expect(prunable).toMatchObject({ size: 368, kept: 147 })
  expect((finetuned as { loss: number }).loss).toBeLessThan(0.7 * (pruned as { loss: number }).loss)
  const { loss, sparsity } = await json('eval', out, '--dense', path, '--data', data)
  expect((loss as number) / (finetuned as { loss: number }).loss).toBeCloseTo(1, 4)
  expect(sparsity).toBeCloseTo(0.6, 2)
  train(', snapshot: 1ep')
  expect(await refusal(...prune, '--force')).toBe(
    'espalier: --finetune without labels: train.snapshot has no meaning here, expected none',
  )
  train('', ', augment: flip')
  expect(await refusal(...prune, '--force')).toContain('expected data.augment none')
})

it('a model that is written for one sample, and mixes what it computes of it, is run sample by sample', async () => {
  const [path, out] = [join(folder, 'mixed.onnx'), join(folder, 'out.onnx')]
  const bytes = severalWritten(
    { x: [1, 6, 8] },
    { y: [3, 2, 5] },
    {
      stored: {
        rows: { shape: [2], values: [6, 8], whole: true },
        parts: { shape: [3], values: [2, 3, 5], whole: true },
        w1: stored(8, 12),
        w2: stored(12, 5),
      },
      steps: [
        { op: 'Reshape', inputs: ['x', 'rows'], output: 'f' },
        { op: 'MatMul', inputs: ['f', 'w1'], output: 'a' },
        { op: 'Relu', inputs: ['a'], output: 'b' },
        { op: 'MatMul', inputs: ['b', 'w2'], output: 'c' },
        { op: 'Reshape', inputs: ['c', 'parts'], output: 'd' },
        { op: 'Transpose', inputs: ['d'], outputs: ['y'], attributes: { perm: [1, 0, 2] } },
      ],
    },
  )
  writeFileSync(path, bytes)
  const data = writeNpy(join(folder, 'x.npy'), [30, 6, 8], normal(30 * 48))
  for (const method of ['obc', 'woodfisher', 'fisher-pruner', 'snip']) {
    const flags = ['--method', method, '--sparsity', '0.5', '-o', out, '--force']
    const { prunable, final } = await json('prune', path, '--data', data, ...flags)
    expect(prunable).toMatchObject({ size: 156, kept: 78 })
    expect((final as { loss: number }).loss).toBeLessThan(0.5)
    const { loss } = await json('eval', out, '--dense', path, '--data', data)
    expect((loss as number) / (final as { loss: number }).loss).toBeCloseTo(1, 3)
  }
})
