/**
 * @file How espalier eval makes inputs: the flags before the weights file, the weights file before what is
 * usual, which is called a guess.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { measureChannels } from '../../src/data/statistics.ts'
import { readSafetensors, storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { graphOf } from '../../src/models/model.ts'
import { writeCifar10 } from '../data/cifar-files.ts'
import { writeImage, writeImageFolder } from '../data/image-files.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

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

const constants = 'the constants imagenet, since a folder does not say its own; --mean and --std set them'
const geometry = 'guessed: usual for cifarnet; --size and --crop set it'

it('what neither file nor flags say is guessed, and called so', async () => {
  const { stdout } = await evaluate(weights())
  expect(stdout).toContain(`images: shorter side resized to 32, the middle 32 x 32 cut out (${geometry})\n`)
  expect(stdout).toMatch(/^inputs: .* with mean 0\.485, 0\.456, 0\.406 and std 0\.229, 0\.224, 0\.225 \(guessed: /m)
  expect(stdout).toContain(`(guessed: ${constants})\n`)
  expect(stdout).toMatch(
    /^accuracy 50\.00 % \(1 of 2\).*\nprecision 25\.00 %, recall 50\.00 %, F1 33\.33 % .*\nwarning: mean and std, size and crop of the inputs are guessed, /m,
  )
  expect(await result(weights())).toMatchObject({
    size: 32,
    crop: 32,
    skipped: [],
    notes: [],
    guess: expect.stringMatching(/^warning: mean and std, size and crop /),
    sources: { geometry, mean: `guessed: ${constants}`, std: `guessed: ${constants}` },
  })
})

it('a data set with a name has constants of its own, but they are a guess for weights that do not say theirs', async () => {
  const { stdout } = await espalier(['eval', weights({}, 10), '--data', 'cifar10'], {
    env: { ...env, ESPALIER_DATA: writeCifar10(join(temporaryFolder(), 'cifar10')).replace(/\/cifar10$/, '') },
  })
  expect(stdout).toMatch(/\(guessed: those of the data set, since the weights do not say theirs; --mean and --std /)
})

it('flags come before that, each for itself', async () => {
  const path = weights()
  const { size, crop, mean, std, sources, guess } = await result(
    ...[path, '--size', '36', '--crop', '32', '--mean', '0.4'],
  )
  expect([size, crop, mean, std]).toEqual([36, 32, [0.4, 0.4, 0.4], [0.229, 0.224, 0.225]])
  const own = 'of the command line'
  expect(sources).toEqual({ geometry: own, mean: own, std: `guessed: ${constants}` })
  expect(guess).toMatch(/^warning: std of the inputs are guessed/)
  const { stdout } = await evaluate(path, '--crop', '32', '--mean', '0.4', '--std', '1')
  expect(stdout).toMatch(/^images: the middle 32 x 32 cut out \(of the command line\)\n/)
  expect(stdout).not.toContain('guess')
})

it('flags come before the weights file, too, and what the file says is said', async () => {
  const path = weights({ size: '36', crop: '32', mean: '[0.5]', std: '[0.1,0.2,0.3]' })
  const of = 'of the weights file'
  const plain = await result(path)
  expect(plain).toMatchObject({
    size: 36,
    crop: 32,
    mean: [0.5, 0.5, 0.5],
    std: [0.1, 0.2, 0.3],
    notes: [],
    sources: { geometry: of, mean: of, std: of },
  })
  expect(plain.guess).toBeUndefined()
  const { stdout } = await evaluate(path, '--size', '40', '--std', '1')
  expect(stdout).toMatch(
    /^images: shorter side resized to 40, the middle 32 x 32 cut out \(of the command line, crop of the weights file\)\n/,
  )
  expect(stdout).toContain('mean 0.5, 0.5, 0.5 (of the weights file) and std 1, 1, 1 (of the command line)\n')
  expect(stdout).toContain('note: the weights file says size 36: --size was taken, 40\n')
  expect(stdout).toContain('note: the weights file says std 0.1, 0.2, 0.3: --std was taken, 1, 1, 1\n')
  const { notes } = await result(path, '--size', '36', '--mean', '0.5')
  expect(notes).toEqual([]) // They agree.
})

it('--mean data and --std data: measured on the training images', async () => {
  const { mean, std, sources } = await result(weights(), '--mean', 'data', '--std', 'data')
  const [image] = [await loadDataset(folder, { size: 32, crop: 32 })]
  const measured = measureChannels(image.train, image.image)
  expect([mean, std]).toEqual([measured.mean, measured.std])
  expect(sources).toMatchObject({ mean: expect.stringMatching(/^measured on the \d+ training images of /) })
  expect(await result(weights(), '--mean', 'data')).toMatchObject({ mean: measured.mean, std: [0.229, 0.224, 0.225] })
})

it('what is a guess is not written into pruned weights as if it were known', async () => {
  const out = join(temporaryFolder(), 'out.safetensors')
  const prune = async (...flags: string[]) => {
    const args = [
      'prune',
      weights(),
      '--method',
      'magnitude',
      '--sparsity',
      '0.5',
      '--data',
      folder,
      '-o',
      out,
      '--force',
      ...flags,
    ]
    const { code, stdout } = await espalier(args, { env })
    expect(code).toBe(0)
    return { stdout, metadata: readSafetensors(out).metadata }
  }
  const guessed = await prune()
  expect(guessed.stdout).toMatch(/^warning: mean and std, size and crop of the inputs are guessed/m)
  expect(guessed.metadata).not.toHaveProperty('mean')
  expect(guessed.metadata).not.toHaveProperty('crop')
  const { stdout, metadata } = await prune('--mean', 'data', '--std', 'data', '--crop', '32')
  expect(stdout).not.toContain('guess')
  expect(JSON.parse(metadata.mean)).toHaveLength(3)
  expect(metadata.crop).toBe('32')
})

it('--skip-corrupt leaves out what cannot be decoded, and says what', async () => {
  await writeImage(join(folder, 'test', 'dog', 'b.png'), { width: 48, height: 40 })
  writeFileSync(join(folder, 'test', 'dog', 'a.png'), 'x')
  const path = weights()
  expect(await evaluate(path)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^espalier: .*a\.png is neither a JPEG, a PNG nor a WebP file \(mend .* --skip-corrupt\)\n$/,
    ),
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
  ['--std 0', {}, /^espalier: --std: expected numbers above 0, which inputs are divided by, found 0\n$/],
  ['--mean datum', {}, /^espalier: --mean: expected one number or 3, found datum\n$/],
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
