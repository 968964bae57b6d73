/** @file Runs on random resized crops of a folder of photographs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findAugmentation } from '../../src/data/augment.ts'
import { loadImageFolder } from '../../src/data/image-folder.ts'
import { loadDataset } from '../../src/data/index.ts'
import { resampled } from '../../src/data/resample.ts'
import { drawCrop } from '../../src/data/resized-crop.ts'
import { planRuns } from '../../src/experiment/plan/resolve.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeImage } from '../data/image-files.ts'
import { best } from '../support/engines.ts'
import { remains } from './rewired.ts'

/** Six photographs of different sizes, and two to test with. */
async function photographs(): Promise<string> {
  const folder = temporaryFolder()
  const sizes = [40, 52, 64]
  for (const [label, name] of ['cat', 'dog'].entries()) {
    for (const [i, width] of sizes.entries())
      await writeImage(join(folder, `train/${name}/${i}.png`), {
        width,
        height: 45 + 7 * i,
        value: (c, y, x) => (x * (3 + label) + y * y + 40 * c + 17 * i) % 256,
      })
    await writeImage(join(folder, `val/${name}/0.png`), {
      width: 60,
      height: 48,
      value: (c, y, x) => (x + 2 * y + c) % 256,
    })
  }
  return folder
}

const recipe = (name: string, changes: { data?: object; [section: string]: unknown } = {}) =>
  checkRecipe(
    {
      name: 'crops',
      model: { name: 'wrn-10', widen: 0.1, classes: 2 },
      train: { epochs: 3, batch: 4, learningRate: 0.05, momentum: 0.9 },
      ...changes,
      data: { name, size: 36, crop: 32, augment: 'resized-crop', ...changes.data },
    },
    'crops',
  )

it('a step reads the crops that are drawn for its samples, flipped where that is', async () => {
  const data = await loadImageFolder(await photographs(), 'pets', { size: 36, crop: 32, photographs: 'only' })
  expect([data.train.count, data.train.images.length, [...data.train.labels]]).toEqual([6, 0, [0, 0, 0, 1, 1, 1]])
  expect(data.test.images.length).toBe(2 * 3 * 32 * 32)
  const model = findModel('wrn-10', { widen: 0.1, classes: 2 })
  const network = new Network({ machine: best, model, data, batch: 4, augment: findAugmentation('resized-crop') })
  const samples = [4, 1, 5]
  await network.load(samples, { seed: 3, epoch: 2, step: 0 })
  const images = network.executable.bytes('crops.images')
  const flips = new Set<boolean>()
  for (const [i, sample] of samples.entries()) {
    const photograph = await data.train.photographs!(sample)
    const { flip, ...box } = drawCrop(3, 2, sample, photograph.height, photograph.width)
    flips.add(flip)
    const planes = resampled(photograph, box, 32, 32)
    const [n, row, column] = [i * 3 * 1024, 32 * 7, flip ? 31 - 5 : 5]
    expect([images[n + row + 5], images[n + 2048 + row + 5]]).toEqual([
      planes[row + column],
      planes[2048 + row + column],
    ])
    expect(network.executable.view('crops.labels')[i]).toBe(data.train.labels[sample])
  }
  expect(flips.size).toBe(2)
})

it('stopped and resumed, a run ends with the same bits', async () => {
  const name = await photographs()
  const folder = temporaryFolder()
  const go = async (out: string, stopAt = Infinity, resume = false) => {
    const controller = new AbortController()
    await runRecipe(recipe(name), {
      machine: best,
      out: join(folder, out),
      resume,
      checkpointSeconds: 1e9,
      signal: controller.signal,
      onEvent: (event) => event.type === 'progress' && event.step >= stopAt && controller.abort(),
    })
  }
  await go('whole')
  await go('parts', 3)
  await go('parts', Infinity, true)
  expect(remains(join(folder, 'parts'))).toEqual(remains(join(folder, 'whole')))
  // Two steps an epoch, and every epoch has other crops.
  const losses = readFileSync(join(folder, 'whole/metrics.jsonl'), 'utf8').match(/"trainLoss":[\d.]+/g)
  expect(new Set(losses).size).toBe(3)
})

it('held-out samples are the middle of their photographs; gradients at an event are those of the last crops', async () => {
  const name = await photographs()
  const held = recipe(name, { data: { validation: 2, stratify: true } })
  const [plan] = await planRuns(held)
  expect(plan.data.train.images.length).toBe(6 * 3 * 32 * 32)
  const moving = recipe(name, {
    prune: { method: 'random', scope: 'layerwise', sparsity: 0.5 },
    rewire: { method: 'rigl', every: '2it', end: '6it' },
  })
  const out = join(temporaryFolder(), 'run')
  await runRecipe(moving, { machine: best, out, checkpointSeconds: 1e9 })
  expect(readSafetensors(join(out, 'checkpoint.safetensors')).tensors.size).toBeGreaterThan(0)
})

it.each([
  [
    'a data set of images of one size',
    { data: { name: 'synthetic', size: undefined, crop: undefined } },
    /resized-crop is for folders of image files/,
  ],
  ['a file that is no image', { data: {} }, /train\/cat\/1\.png is neither a JPEG, a PNG nor a WebP file/],
])('refused: %s', async (_, changes, message) => {
  const name = await photographs()
  writeFileSync(join(name, 'train/cat/1.png'), 'no image')
  const out = join(temporaryFolder(), 'run')
  const run = runRecipe(recipe(name, changes), { machine: best, out, checkpointSeconds: 1e9 })
  await expect(run).rejects.toThrow(UserError)
  await expect(run).rejects.toThrow(message)
})

it('files that cannot be decoded are not left out: nobody knows before they are read', () => {
  expect(() => recipe('pets', { data: { skipCorrupt: true } })).toThrow(
    new UserError(
      'crops: data.skipCorrupt: resized-crop reads files while the network trains, expected none beside it',
    ),
  )
})

it('without a folder of photographs there are none', async () => {
  const data = await loadDataset('synthetic')
  const options = { machine: best, model: findModel('lenet-5'), data, batch: 4 }
  expect(() => new Network({ ...options, augment: findAugmentation('resized-crop') })).toThrow(
    new UserError('augment: resized-crop needs a folder of image files, found synthetic without labelled photographs'),
  )
})
