/**
 * @file The page that trains, in a browser: curves and weights move while it learns, it can be stopped, and
 * what it gives is bit for bit what Node's WebAssembly gives after as many steps. Skipped where there is no
 * Chromium.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { trainingOf } from '../../site/work/train.ts'
import type { Split } from '../../src/data/dataset.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { parseSafetensors, toFloats } from '../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { rows } from '../support/breadth.ts'
import { hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { expectAccessible, openPage, saved, siteBuilt } from './site.ts'

describe.skipIf(!hasChromium)('the page that trains', () => {
  beforeAll(siteBuilt, 240_000)

  it('learns in sight, stops and gives its network', async () => {
    const { page, errors } = await openPage('train.html', { viewport: { width: 390, height: 844 } })
    await expectAccessible(page)
    const picture = () =>
      page.$eval('.units', (canvas) => {
        const { width, height } = canvas as HTMLCanvasElement
        const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
        return data.reduce((sum, byte, i) => (sum + byte * (i % 251)) % 1e9, 0)
      })
    const first = await picture()
    await page.click('button[type=submit]')
    await page.waitForFunction(
      () => document.querySelector('[aria-live]')?.textContent?.startsWith('Accuracy'),
      undefined,
      { timeout: 60_000 },
    )
    expect(await picture()).not.toBe(first)
    const points = await page.$eval('.curve polyline', (line) => line.getAttribute('points')!.split(' ').length)
    expect(points).toBeGreaterThan(1)
    await page.click('button:text("Stop")')
    await page.waitForSelector('button:text("Train again")')
    const [loss, accuracy] = await page.$$eval('.curve strong', (all) =>
      all.map((one) => Number.parseFloat(one.textContent!)),
    )
    expect(loss).toBeLessThan(1.5)
    expect(accuracy).toBeGreaterThan(80)
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)

    const { name, bytes } = await saved(page, 'Download')
    const file = parseSafetensors(bytes, name)
    expect(toFloats(file.tensors.get('fc1.weight')!).length).toBe(300 * 784)
    expect(new SparseModel(file, { machine: wasm }).model.name).toBe('lenet-300-100')
    expect(errors).toEqual([])
  }, 90_000)

  it.each(rows(['gradual', 'rigl', 'set', 'gsm'] as const, (method) => method === 'rigl' || method === 'gsm'))(
    'by %s gives what Node does after as many steps, with or without threads',
    async (method) => {
      const { page, errors } = await openPage('train.html', { isolated: method !== 'gsm' })
      await page.selectOption('#method', method)
      await page.fill('#zeros', '90')
      await page.click('button[type=submit]')
      await page.waitForFunction(
        () => document.querySelectorAll('.curve polyline')[0].getAttribute('points'),
        undefined,
        {
          timeout: 60_000,
        },
      )
      await page.click('button:text("Stop")')
      await page.waitForSelector('button:text("Train again")')
      const { name, bytes } = await saved(page, 'Download')
      const steps = Number(/after step (\d+)/.exec((await page.textContent('[aria-live]'))!)![1])
      expect(steps).toBeGreaterThan(0)

      const control = new AbortController()
      const here = trainingOf(wasm, digits, { method, sparsity: 0.9 })
      await here.run({ onStep: ({ step }) => step === steps && control.abort(), signal: control.signal })
      const found = parseSafetensors(bytes, name)
      expect(name).toBe(`lenet-300-100.${method}.safetensors`)
      expect(found.metadata).toMatchObject({ method })
      // What is shown at last is what is saved.
      const zeros = await page.$$eval('.curve strong', (all) => Number.parseFloat(all.at(-1)!.textContent!))
      expect(zeros).toBeCloseTo(100 * Number(found.metadata.sparsity), 0)
      for (const tensor of ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc3.weight'])
        expect(toFloats(found.tensors.get(tensor)!)).toEqual(Float32Array.from(here.network.weights.whole(tensor)))
      expect(errors).toEqual([])
    },
    60_000,
  )
})

/** The part of MNIST that lies beside the pages. */
const mnist = loadMnist()
const part = ({ images, labels }: Split, count: number) => ({
  count,
  images: images.subarray(0, count * 784),
  labels: labels.subarray(0, count),
})
const digits = { ...mnist, train: part(mnist.train, 12_000), test: part(mnist.test, 2000) }
