/**
 * @file The page that prunes, beyond single weights: goals are met as in Node, whole channels leave a smaller
 * network that ONNX Runtime runs, sensitivity is measured, arrays are read, and pictures are told by both
 * networks. Skipped where there is no Chromium.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LevelShelf } from '../../site/work/level-shelf.ts'
import { opened } from '../../site/work/opened.ts'
import { samplesFor } from '../../site/work/samples.ts'
import { prunedToGoal } from '../../site/work/to-goal.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { weightFigures } from '../../src/figures/figures.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { parseSafetensors, toFloats } from '../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { networkOfFile } from '../../src/train/find-network.ts'
import { random } from '../../src/util/random.ts'
import { floats, writeNpz } from '../data/arrays/array-files.ts'
import { hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { expectAccessible, inRuntime, openPage, sample, saved, siteBuilt } from './site.ts'

const COUNT = 60
let folder: string
/** Some test images as the network takes them, with their labels. */
let digits: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  const { test } = loadMnist()
  const images = Array.from(test.images.subarray(0, 784 * COUNT), (pixel) => (pixel / 255 - 0.1307) / 0.3081)
  const arrays = { images: floats([COUNT, 1, 28, 28], images), labels: floats([COUNT], test.labels.subarray(0, COUNT)) }
  digits = writeNpz(join(folder, 'digits.npz'), arrays)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Waits for work, and gives the table of figures: the cells of a row by its name. */
async function figures(page: Page): Promise<Map<string, string[]>> {
  await page.waitForSelector('.go button[type=submit]:not(:disabled)', { timeout: 80_000 })
  expect(await page.textContent('[role=alert]')).toBe('')
  const rows = await page.$$eval('.result tbody tr', (found) =>
    found.map((row) => [...row.children].map(({ textContent }) => textContent ?? '')),
  )
  return new Map(rows.map(([name, ...cells]) => [name, cells]))
}

const openSample = async () => {
  const { page, errors } = await openPage('')
  await page.click('button:text("Take the sample")')
  await page.waitForSelector('.tensors')
  return { page, errors }
}

describe.skipIf(!hasChromium)('the page that prunes', () => {
  beforeAll(siteBuilt, 240_000)

  it('measures sensitivity on arrays, and reaches a share of multiply-adds as Node does', async () => {
    const { page, errors } = await openSample()
    await page.check('input[value=arrays]')
    await page.setInputFiles('#samples', digits)
    await page.click('button:text("Measure sensitivity")')
    await page.waitForSelector('.sensitivity', { timeout: 60_000 })
    const losses = await page.$$eval('.sensitivity tbody tr', (rows) =>
      rows.map((row) => [...row.querySelectorAll('.cost')].map(({ textContent }) => Number.parseFloat(textContent!))),
    )
    expect(losses.map(({ length }) => length)).toEqual([7, 7, 7, 7])
    // The first convolution has the fewest weights to lose.
    expect(losses[0].at(-1)).toBeGreaterThan(losses[2].at(-1)!)

    await page.selectOption('#goal', 'multiplyAdds')
    await page.fill('#value', '40')
    await page.click('.go button[type=submit]')
    const table = await figures(page)
    const [before, after] = table.get('Multiply-adds')!.map((text) => Number(text.replaceAll(',', '')))
    expect(before).toBe(2_293_000)
    expect(after / before).toBeLessThanOrEqual(0.4)
    expect(after / before).toBeGreaterThan(0.3)
    expect(table.get('Accuracy')![2]).toContain('on 12 samples')
    const found = parseSafetensors((await saved(page, 'Download safetensors')).bytes, 'safetensors')
    expect(found.metadata).toMatchObject({ method: 'magnitude', multiplyAdds: '0.4' })

    const here = opened(readFileSync(sample), 'lenet-5.onnx')
    const samples = { kind: 'arrays' as const, files: [new File([readFileSync(digits)], 'digits.npz')] }
    const asked = { method: 'magnitude', granularity: 'weight', scope: 'layerwise', samples } as const
    const { weights } = await prunedToGoal(
      here,
      { ...asked, goal: { kind: 'multiplyAdds', value: 0.4 } },
      { machine: wasm, data: await samplesFor(here, samples), store: new LevelShelf().of(asked) },
      () => {},
    )
    for (const { name } of here.tensors)
      expect(toFloats(found.tensors.get(name)!)).toEqual(toFloats(weights.tensors.get(name)!))

    // What cannot be is one sentence, and levels are not measured again for it.
    await page.fill('#value', '0.01')
    await page.click('.go button[type=submit]')
    await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent)
    expect(await page.textContent('[role=alert]')).toMatch(/^goal: a share of 0.0001 .* cannot be met: [^.]+\.\d+$/)
    expect(errors).toEqual([])
  }, 90_000)

  it('whole channels leave a smaller network, which ONNX Runtime Web times in the page and computes alike', async () => {
    const { page, errors } = await openSample()
    await page.check('input[value=arrays]')
    await page.setInputFiles('#samples', digits)
    await page.selectOption('#granularity', 'channel')
    await page.fill('#value', '70')
    await page.check('text=Beside ONNX Runtime Web')
    await page.click('.go button[type=submit]')
    const table = await figures(page)
    expect(Number.parseFloat(table.get('Zeros')![1])).toBeGreaterThanOrEqual(70)
    expect([...table.keys()].at(-1)).toMatch(/^Time in ONNX Runtime Web \d+\.\d+/)
    const { name, bytes } = await saved(page, 'Download ONNX')
    expect(bytes.length).toBeLessThan(0.45 * readFileSync(sample).length)
    const file = readOnnx(bytes, name)
    expect(file.metadata).toMatchObject({ granularity: 'channel', sparsity: '0.7' })

    const draw = random(1, 'images')
    const images = Array.from({ length: 2 * 784 }, () => Math.fround(draw.normal()))
    const logits = await inRuntime(page, bytes, { values: images, shape: [2, 1, 28, 28] })
    const ours = new SparseModel(file, { machine: wasm }).run(images)
    expect(logits.length).toBe(20)
    logits.forEach((logit, i) => void expect(logit).toBeCloseTo(ours[i], 3))
    expect(errors).toEqual([])
  }, 90_000)

  it('whole channels are measured, and go to a share of multiply-adds', async () => {
    const { page, errors } = await openSample()
    await page.check('input[value=arrays]')
    await page.setInputFiles('#samples', digits)
    await page.selectOption('#granularity', 'channel')
    await page.click('button:text("Measure sensitivity")')
    await page.waitForSelector('.sensitivity', { timeout: 60_000 })
    // The outputs of the last layer are the classes, which stay.
    const rows = await page.$$eval('.sensitivity tbody tr', (all) => all.map((row) => row.children[0].textContent))
    expect(rows).toEqual(['conv1.weight', 'conv2.weight', 'fc1.weight'])

    await page.selectOption('#goal', 'kilobytes')
    const offered = await page.$$eval('#granularity option:not(:disabled)', (all) =>
      all.map((one) => (one as HTMLOptionElement).value),
    )
    expect(offered).not.toContain('channel')
    await page.selectOption('#goal', 'multiplyAdds')
    await page.selectOption('#granularity', 'channel')
    await page.fill('#value', '40')
    await page.click('.go button[type=submit]')
    const table = await figures(page)
    const { name, bytes } = await saved(page, 'Download ONNX')
    const small = readOnnx(bytes, name)
    const left = weightFigures(networkOfFile(small, name), small).multiplyAdds.dense
    expect(left / 2_293_000).toBeLessThanOrEqual(0.4)
    expect(left / 2_293_000).toBeGreaterThan(0.3)
    expect(Number.parseFloat(table.get('Accuracy')![1])).toBeGreaterThan(85)
    expect(errors).toEqual([])
  }, 90_000)

  it('shows what both networks make of pictures, a digit and the camera, and all can use it', async () => {
    const { page, errors } = await openSample()
    const named = () =>
      page.$$eval('.guess', (found) => found.map((one) => one.querySelector('.name')?.textContent ?? one.textContent))
    await page.click('.go button[type=submit]')
    await figures(page)
    await page.click('button:text("Take a test digit")')
    await page.waitForFunction(() => document.querySelectorAll('.guess ol').length === 2)
    const said = (await page.textContent('.guesses figcaption'))!
    expect(said).toMatch(/^What the network sees of a test digit: class \d$/)
    const picture = join(folder, 'picture.png')
    const png = await page.evaluate(() => (document.querySelector('.seen') as HTMLCanvasElement).toDataURL('image/png'))
    writeFileSync(picture, Buffer.from(png.slice(png.indexOf(',') + 1), 'base64'))
    const before = await named()
    await page.setInputFiles('#picture', picture)
    await page.waitForFunction(() =>
      document.querySelector('.guesses figcaption')?.textContent?.includes('picture.png'),
    )
    // The same pixels through a file say the same.
    expect(await named()).toEqual(before)
    await expectAccessible(page)
    await page.click('button:text("Use the camera")')
    await page.waitForFunction(() => document.querySelector('.guesses figcaption')?.textContent?.includes('the camera'))
    await page.click('button:text("Stop the camera")')
    await page.setInputFiles('#picture', digits)
    await page.waitForFunction(() => document.querySelector('.pictures [role=alert]')?.textContent)
    expect(await page.textContent('.pictures [role=alert]')).toBe('digits.npz is no image that this browser can decode')
    expect(errors).toEqual([])
  }, 90_000)
})
