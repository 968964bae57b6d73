/** @file How espalier eval makes inputs: the weights file before the flags, the flags before what is usual. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { graphOf } from '../../src/models/model.ts'
import { writeCifar10 } from '../data/cifar-files.ts'
import { writeImage, writeImageFolder } from '../data/image-files.ts'
import { compiled, espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

let folder: string
let env: Record<string, string>
beforeEach(async () => {
  env = { ESPALIER_CACHE: temporaryFolder() }
  folder = await writeImageFolder(temporaryFolder(), { width: 48, height: 40, value: (_c, y, x) => 3 * x + y })
})

/** CIFARNet, all weights 0. */
function weights(metadata: Record<string, string> = {}, classes = 2): string {
  const path = join(folder, 'w.safetensors')
  const model = findModel('cifarnet', { classes })
  const stored = graphOf(model)
    .withRole('parameter')
    .map(({ name, shape }) => [name, storeFloats(new Float32Array(sizeOf(shape)), shape)] as const)
  writeSafetensors(path, {
    tensors: new Map(stored),
    metadata: { model: 'cifarnet', classes: String(classes), ...metadata },
  })
  return path
}

const evaluate = (path: string, ...flags: string[]) =>
  espalier(['eval', '--weights', path, '--dataset', folder, ...flags], { env })

/** The JSON that a successful evaluation prints. */
async function result(path: string, ...flags: string[]) {
  const { code, stdout, stderr } = await evaluate(path, ...flags, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0]
}

it('size and crop: the network has them where neither file nor flags do', async () => {
  const { stdout } = await evaluate(weights())
  expect(stdout).toMatch(/^images: shorter side resized to 32, the middle 32 x 32 cut out \(of cifarnet\)\n/)
  expect(stdout).toMatch(/^inputs: .* with mean 0\.485, 0\.456, 0\.406 and std 0\.229, .* \(of the data set\)\n/m)
  expect(stdout).toMatch(/^accuracy 50\.00 % \(1 of 2\)/m)
  expect(await result(weights())).toMatchObject({
    ...{ size: 32, crop: 32, skipped: [] },
    sources: { geometry: 'of cifarnet', normalization: 'of the data set' },
  })
})

it('flags come before that', async () => {
  const path = weights()
  const { size, crop, mean, std, sources } = await result(path, '--size', '36', '--crop', '32', '--mean', '0.4')
  expect([size, crop, mean, std]).toEqual([36, 32, [0.4, 0.4, 0.4], [0.229, 0.224, 0.225]])
  expect(sources).toEqual({ geometry: 'of the command line', normalization: 'of the command line' })
  const { stdout } = await evaluate(path, '--crop', '32')
  expect(stdout).toMatch(/^images: the middle 32 x 32 cut out \(of the command line\)\n/)
})

it('the weights file comes first, and what it overrules is said', async () => {
  const path = weights({ size: '36', crop: '32', mean: '[0.5]', std: '[0.1,0.2,0.3]' })
  expect(await result(path)).toMatchObject({
    ...{ size: 36, crop: 32, mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3] },
    sources: { geometry: 'of the weights file', normalization: 'of the weights file' },
  })
  const { stdout } = await evaluate(path, '--size', '40', '--crop', '30', '--std', '1')
  expect(stdout).toMatch(
    /^images: shorter side resized to 36, the middle 32 x 32 cut out \(of the weights file, which overrules --size and --crop\)\n/,
  )
  expect(stdout).toMatch(
    /^inputs: .* mean 0\.5, 0\.5, 0\.5 and std 0\.1, 0\.2, 0\.3 \(of the weights file, which overrules --std\)\n/m,
  )
})

it('--skip-corrupt leaves out what cannot be decoded, and says what', async () => {
  await writeImage(join(folder, 'test', 'dog', 'b.png'), { width: 48, height: 40 })
  writeFileSync(join(folder, 'test', 'dog', 'a.png'), 'x')
  const path = weights()
  expect(await evaluate(path)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^espalier: .*a\.png is neither a JPEG nor a PNG file \(mend .* --skip-corrupt\)\n$/),
  })
  expect((await evaluate(path, '--skip-corrupt')).stdout).toMatch(
    /\nleft out, since they cannot be decoded: test\/dog\/a\.png\naccuracy 50\.00 % \(1 of 2\)/,
  )
  expect(await result(path, '--skip-corrupt')).toMatchObject({ count: 2, skipped: [join('test', 'dog', 'a.png')] })
})

it('data sets without image files have their own size, whatever the file says, and refuse flags', async () => {
  const cifar = writeCifar10(join(folder, 'cifar'))
  const onCifar = (path: string, ...flags: string[]) => evaluate(path, '--dataset', cifar, ...flags)
  const { stdout } = await onCifar(weights({ size: '36', crop: '32' }, 10))
  expect(stdout).toMatch(/^images: 3 x 32 x 32, as they are stored\n(.*\n)*accuracy 50\.00 % \(1 of 2\)/)
  const silent = weights({}, 10)
  expect((await onCifar(silent, '--size', '28')).stderr).toMatch(/^espalier: .*: size is for folders of image files;/)
  expect((await onCifar(silent, '--skip-corrupt')).stderr).toMatch(/^espalier: .*: skipCorrupt is for folders of image/)
})

it.each<[string, Record<string, string>, RegExp]>([
  ['--size 0', {}, /^espalier: --size: expected a whole number of pixels above 0, found 0\n$/],
  ['--crop half', {}, /^espalier: --crop: expected a whole number of pixels above 0, found half\n$/],
  ['--size 30 --crop 32', {}, /^espalier: crop: expected at most the size 30, found 32\n$/],
  ['--size 40', {}, /^espalier: cifarnet takes images of 3 x 32 x 32, .* has 3 x 40 x 40\n$/],
  ['--mean 0.1,0.2', {}, /^espalier: --mean: expected one number or 3, found 0\.1, 0\.2\n$/],
  ['--std 1,,1', {}, /^espalier: --std: expected one number or 3, found 1, , 1\n$/],
  [
    '',
    { size: 'big' },
    /^espalier: .*w\.safetensors: metadata size: expected a whole number of pixels above 0, found big\n$/,
  ],
  [
    '',
    { mean: '[1,2]', std: '[1]' },
    /^espalier: .*w\.safetensors: metadata mean: expected one number or 3, found 1, 2\n$/,
  ],
])('refuses %s %o', async (flags, metadata, message) => {
  const { code, stdout, stderr } = await evaluate(weights(metadata), ...flags.split(' ').filter(Boolean))
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(message)
})

it('a run on resized images leaves weights that know it', async () => {
  const out = join(temporaryFolder(), 'run')
  const recipe = join(temporaryFolder(), 'r.yaml')
  writeFileSync(
    recipe,
    `{name: r, model: {name: cifarnet, classes: 2}, data: {name: ${folder}, size: 36, crop: 32},
      train: {epochs: 1, batch: 2, learningRate: 0.001}}`,
  )
  expect(await espalier(['run', recipe, '--quiet', '--out', out], { env })).toMatchObject({ code: 0, stderr: '' })
  const { final } = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).at(-1) as { final: object }
  // Kernels that skip zeros, which `auto` takes for a batch of two, add in another order.
  const evaluation = await result(join(out, 'model.safetensors'), '--kernels', 'dense')
  expect(evaluation).toMatchObject({ size: 36, crop: 32, ...final })
})

it('labels: the classes of a folder are those outputs whose names they have', async () => {
  const labels = join(folder, 'labels.txt')
  writeFileSync(labels, 'dog\nbird\ncat\n')
  // All scores are 0, so that the first output is taken: the dog.
  expect(await result(weights({}, 3), '--labels', labels)).toMatchObject({ correct: 1, count: 2 })
  const { code, stderr } = await evaluate(weights({}, 3), '--labels', join(folder, 'none.txt'))
  expect([code, stderr]).toEqual([
    1,
    `espalier: cannot read ${join(folder, 'none.txt')}: there is no such file or folder\n`,
  ])
})

it('an accuracy near chance is said to be one', async () => {
  const few = await result(weights())
  expect(few.warning).toBeUndefined()
  const path = weights({}, 10)
  const images = Buffer.concat(
    Array.from({ length: 300 }, (_, i) => Buffer.concat([Buffer.of(i % 10), Buffer.alloc(3072, i % 251)])),
  )
  const cifar = writeCifar10(temporaryFolder(), { 'test_batch.bin': images })
  const { stdout } = await espalier(['eval', '--weights', path, '--dataset', cifar], { env })
  expect(stdout).toMatch(
    /warning: an accuracy of .* is near chance \(1 of 10 classes\): the preprocessing is probably wrong/,
  )
})
