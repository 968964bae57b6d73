/** @file Data and flags that do not fit a network: one sentence each, where nothing was said once. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TensorProto_DataType as DataType } from 'onnx-buf'
import sharp from 'sharp'
import { beforeEach, expect, it } from 'vitest'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { toFloats } from '../../src/formats/safetensors-bytes.ts'
import { readBytes } from '../../src/util/files.ts'
import { random } from '../../src/util/random.ts'
import { floats, npyBytes, sound16, wavBytes, writeNpy, writeNpz } from '../data/arrays/array-files.ts'
import { writeImage } from '../data/image-files.ts'
import type { Written } from '../formats/onnx/build.ts'
import { type Interface, severalWritten } from '../formats/onnx/several.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const draw = random(17, 'newcomers')
const normal = (n: number) => Array.from({ length: n }, () => draw.normal())
const stored = (...shape: number[]) => ({ shape, values: normal(shape.reduce((a, b) => a * b)) })

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

const model = (
  name: string,
  inputs: Interface,
  outputs: Interface,
  rest: Omit<Written, 'input'> & { type?: DataType },
): string => {
  const path = join(folder, name)
  writeFileSync(path, severalWritten(inputs, outputs, rest))
  return path
}

const run = (...args: string[]) => espalier(args, { env: { ESPALIER_CACHE: folder } })
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

/** 9 words, of which a sample has 4. */
const words = () =>
  model(
    'words.onnx',
    { ids: [-1, 4] },
    { y: [-1, 2] },
    {
      type: DataType.INT64,
      stored: { table: stored(9, 3), form: { shape: [2], values: [-1, 12], whole: true }, w: stored(12, 2) },
      steps: [
        { op: 'Gather', inputs: ['table', 'ids'], output: 'rows' },
        { op: 'Reshape', inputs: ['rows', 'form'], output: 'flat' },
        { op: 'MatMul', inputs: ['flat', 'w'], outputs: ['y'] },
      ],
    },
  )

it.each([[], ['--engine', 'onnxruntime']])('places beyond a table are refused (%s %s)', async (...engine) => {
  const path = words()
  const ids = (last: number) => writeNpy(join(folder, 'ids.npy'), [2, 4], [0, 8, -9, 3, 1, 2, 3, last])
  const evaluate = ['eval', path, '--dense', path, ...engine, '--data']
  expect(await json(...evaluate, ids(8))).toMatchObject({ loss: 0 })
  for (const wrong of [9, -10])
    expect(await refusal(...evaluate, ids(wrong))).toBe(
      `espalier: ${join(folder, 'ids.npy')} has ${wrong} in sample 1 of input ids, expected -9 to 8, as places in table [9, 3]`,
    )
})

it('numbers that the type of an input does not hold are refused', async () => {
  const path = model(
    'bytes.onnx',
    { pixels: [-1, 5] },
    { y: [-1, 2] },
    {
      type: DataType.UINT8,
      stored: { w: stored(5, 2) },
      steps: [
        { op: 'Cast', inputs: ['pixels'], attributes: { to: 1 }, output: 'f' },
        { op: 'MatMul', inputs: ['f', 'w'], outputs: ['y'] },
      ],
    },
  )
  const data = writeNpy(join(folder, 'pixels.npy'), [2, 5], [0, 255, 1, 2, 3, 4, 5, 256, 7, 8])
  expect(await refusal('eval', path, '--dense', path, '--data', data)).toBe(
    `espalier: ${data} has 256 in sample 1 of input pixels, expected 0 to 255, as its type uint8 holds`,
  )
})

const linear = (size = 6, classes = 3) =>
  model(
    'linear.onnx',
    { x: [-1, size] },
    { y: [-1, classes] },
    {
      stored: { w: stored(size, classes) },
      steps: [
        { op: 'MatMul', inputs: ['x', 'w'], output: 'z' },
        { op: 'Softmax', inputs: ['z'], outputs: ['y'] },
      ],
    },
  )

it('files of arrays that are missing, empty, or without samples, and sound that is cut off', async () => {
  const path = linear()
  const evaluate = (data: string) => refusal('eval', path, '--dense', path, '--data', data)
  const missing = join(folder, 'none.npy')
  expect(await evaluate(missing)).toBe(`espalier: cannot read ${missing}: there is no such file or folder`)
  const empty = join(folder, 'empty.npy')
  writeFileSync(empty, '')
  expect(await evaluate(empty)).toBe(`espalier: ${empty} is not a valid .npy file: it is empty`)
  const none = join(folder, 'zero.npy')
  writeFileSync(none, npyBytes({ shape: [0, 6], data: new Float32Array() }))
  expect(await evaluate(none)).toBe(`espalier: ${none} has no samples: its shape is [0, 6], expected one or more`)
  const wave = join(folder, 'cut.wav')
  const whole = wavBytes({ data: sound16(normal(30).map((x) => Math.round(1000 * x))) })
  writeFileSync(wave, whole.subarray(0, whole.length - 9))
  expect(await evaluate(wave)).toBe(`espalier: ${wave} is cut off: its sound takes 60 bytes, 51 of them are there`)
  // What was written as it came, without a known end.
  const streamed = Buffer.from(whole)
  streamed.writeUInt32LE(0xffffffff, streamed.length - 64)
  writeFileSync(wave, streamed)
  expect(await json('eval', path, '--dense', path, '--data', wave)).toMatchObject({ loss: 0 })
})

it('a size that the model does not leave open is not taken for one', async () => {
  const path = linear()
  const data = writeNpy(join(folder, 'x.npy'), [2, 6], normal(12))
  expect(await refusal('eval', path, '--dense', path, '--data', data, '--dim', 'M=3')).toBe(
    `espalier: --dim: ${path} leaves no size M open (did you mean N?)`,
  )
})

it('a sample of several arrays is named by them', async () => {
  const path = linear(773)
  const digits = await refusal('eval', path, '--data', 'mnist')
  expect(digits).toContain('linear.onnx takes x [773], mnist has 1 x 28 x 28')
})

it('where nothing can be pruned, no flag is blamed that nobody gave', async () => {
  const path = model(
    'none.onnx',
    { x: [-1, 6] },
    { y: [-1, 6] },
    { stored: { b: stored(6) }, steps: [{ op: 'Add', inputs: ['x', 'b'], outputs: ['y'] }] },
  )
  const data = writeNpy(join(folder, 'x.npy'), [5, 6], normal(30))
  const prune = ['prune', path, '--data', data, '--sparsity', '0.5', '-o', join(folder, 'o.onnx')]
  expect(await refusal(...prune, '--method', 'obc')).toBe(
    `espalier: ${path} has no weights of layers to prune, expected convolutions or matrix products`,
  )
})

it('labels of other classes do not matter to methods that look at none', async () => {
  const path = linear()
  const data = (most: number) =>
    writeNpz(join(folder, 'x.npz'), {
      x: floats([10, 6], normal(60)),
      labels: floats([10], [...Array(9).keys(), most]),
    })
  const prune = ['prune', path, '--sparsity', '0.5', '-o', join(folder, 'o.onnx'), '--force', '--data']
  const found = await json(...prune, data(7), '--method', 'obc')
  expect(found.notes).toContain(`labels are left out: ${path} does not tell these 9 classes apart`)
  expect(await refusal(...prune, data(7), '--method', 'snip')).toContain('has the label 8, expected at most 2 of ')
  // Fewer than the model tells apart are labels of it.
  const few = writeNpz(join(folder, 'few.npz'), {
    x: floats([10, 6], normal(60)),
    labels: floats([10], Array(10).fill(1)),
  })
  expect((await json(...prune, few, '--method', 'obc')).dense).toMatchObject({ accuracy: expect.any(Number) })
})

it('a network whose outputs are no numbers has no distance', async () => {
  const root = (first: number) =>
    model(
      `root${first}.onnx`,
      { x: [-1, 2] },
      { y: [-1, 2] },
      {
        stored: { w: { shape: [2, 2], values: [first, 1, 1, 3] } },
        steps: [
          { op: 'MatMul', inputs: ['x', 'w'], output: 'm' },
          { op: 'Sqrt', inputs: ['m'], outputs: ['y'] },
        ],
      },
    )
  const [path, negative] = [root(2), root(-2)]
  const data = writeNpy(join(folder, 'x.npy'), [5, 2], [1, 1, 2, 1, 3, 1, 4, 1, 5, 1])
  expect(await refusal('eval', negative, '--dense', path, '--data', data)).toBe(
    `espalier: ${negative}: its output scores is no number of some test sample, expected a distance from that of the dense network, found NaN`,
  )
})

it('WebP files are images, and other formats are said to be left out', async () => {
  const path = model(
    'pixels.onnx',
    { image: [-1, 3, 3, 4] },
    { y: [-1, 2] },
    {
      stored: { w: stored(36, 2) },
      steps: [
        { op: 'Flatten', inputs: ['image'], output: 'f' },
        { op: 'MatMul', inputs: ['f', 'w'], outputs: ['y'] },
      ],
    },
  )
  const place = join(folder, 'images')
  mkdirSync(place)
  for (const name of ['a', 'b', 'c']) await writeImage(join(place, `${name}.png`))
  const webp = sharp(Buffer.alloc(36, 90), { raw: { width: 4, height: 3, channels: 3 } }).webp({ lossless: true })
  writeFileSync(join(place, 'd.webp'), await webp.toBuffer())
  writeFileSync(join(place, 'e.gif'), '')
  const found = await json('eval', path, '--dense', path, '--data', place)
  expect(found).toMatchObject({ loss: 0, count: 1 })
  expect(found.notes).toEqual([
    'of every 4 samples the last one is one of the test: 1 of 4',
    'images in other formats are left out: e.gif; expected .jpg, .jpeg, .png or .webp files',
  ])
})

it('--granularity prunes in patterns of inputs, by scores and layer by layer', async () => {
  const path = linear(12, 5)
  const data = writeNpy(join(folder, 'x.npy'), [60, 12], normal(720))
  const out = join(folder, 'o.onnx')
  const prune = ['prune', path, '--data', data, '--sparsity', '0.5', '-o', out, '--force', '--polish', '0']
  for (const method of ['magnitude', 'snip', 'sparsegpt', 'wanda']) {
    const found = await json(...prune, '--method', method, '--granularity', '2:4')
    expect(found.prunable).toMatchObject({ size: 60, kept: 30 })
    // Stored as [inputs, outputs].
    const w = toFloats(readOnnx(readBytes(out), out).onnx.file.stored.get('w')!())
    for (let output = 0; output < 5; output++)
      for (let from = 0; from < 12; from += 4)
        expect(
          [0, 1, 2, 3].filter((i) => w[5 * (from + i) + output] !== 0),
          method,
        ).toHaveLength(2)
  }
  const granularity = (name: string, method: string, ...more: string[]) =>
    refusal(...prune, '--method', method, '--granularity', name, ...more)
  expect(await granularity('4:2', 'magnitude')).toContain(
    '--granularity: expected weight, N:M, N:M-channels, BxB, block8, channel, row, kernel, filter, fan-in such as 2:4 or 4x4, found 4:2',
  )
  expect(await granularity('2:4', 'obc')).toContain('--granularity 2:4: obc prunes single weights only, expected')
  expect(await granularity('4x4', 'wanda')).toContain('--granularity 4x4: wanda prunes single weights only, expected')
  expect(await granularity('1:4', 'wanda')).toContain('--sparsity: expected 0.75 with --granularity 1:4 and wanda')
  expect(
    await refusal('prune', path, '--method', 'magnitude', '--sparsity', '0.5', '-o', out, '--granularity', '2:4'),
  ).toBe('espalier: --granularity needs --data with a data set or a folder')
})

it('weights that are no layer here are named where the others are pruned with data', async () => {
  const path = join(folder, 'heads.onnx')
  writeFileSync(
    path,
    severalWritten(
      { x: [-1, 2, 1, 6] },
      { y: [-1, 2, 1, 4] },
      {
        stored: { apart: stored(2, 6, 5), w: stored(5, 4) },
        steps: [
          { op: 'MatMul', inputs: ['x', 'apart'], output: 'h' },
          { op: 'MatMul', inputs: ['h', 'w'], outputs: ['y'] },
        ],
      },
    ),
  )
  const data = writeNpy(join(folder, 'x.npy'), [20, 2, 1, 6], normal(240))
  const prune = ['prune', path, '--data', data, '--sparsity', '0.5', '-o', join(folder, 'o.onnx')]
  expect((await json(...prune, '--method', 'sparsegpt', '--polish', '0')).notes).toContain(
    'not pruned with data, since no layer here multiplies with one matrix of them: apart [2, 6, 5]; --method magnitude and random without --data take them',
  )
})
