/**
 * @file The page that prunes, in a browser: what it makes of a file is what Node makes of it, ONNX Runtime
 * computes the same, a damaged file is one sentence, work can be stopped, and all can use it. Skipped where
 * there is no Chromium.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { opened } from '../../site/work/opened.ts'
import { samplesFor } from '../../site/work/samples.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { encodeSafetensors, parseSafetensors, storeFloats, toFloats } from '../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { pruneStored } from '../../src/methods/by-value/prune-stored.ts'
import { pruneInSequence } from '../../src/methods/layerwise/in-sequence.ts'
import { loadWeights } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { built, expectAccessible, inRuntime, openPage, sample, saved, siteBuilt } from './site.ts'

const tensors = ['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight']

/** Of scripts that are for the other page alone. */
const isOfTraining = (text: Buffer): boolean => text.includes('samplesPerSecond')

/** Lets a file fall onto the page. */
async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([called, text]) => {
      const found = new DataTransfer()
      found.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], called))
      return found
    },
    [name, Buffer.from(bytes).toString('base64')] as const,
  )
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer })
}

async function prune(page: Page, method: string, percent: number): Promise<Map<string, string[]>> {
  await page.selectOption('#method', method)
  await page.fill('#value', String(percent))
  await page.click('button[type=submit]')
  await page.waitForSelector('button[type=submit]:not(:disabled)', { timeout: 60_000 })
  const rows = await page.$$eval('.result tbody tr', (found) =>
    found.map((row) => [...row.children].map(({ textContent }) => textContent ?? '')),
  )
  return new Map(rows.map(([name, ...cells]) => [name, cells]))
}

describe.skipIf(!hasChromium)('the page that prunes', () => {
  beforeAll(siteBuilt, 240_000)

  it('prunes a file that is dropped as Node does, and ONNX Runtime in the page computes what Espalier does', async () => {
    const { page, errors, fetched } = await openPage('')
    await drop(page, 'net.onnx', readFileSync(sample))
    await page.waitForSelector('.tensors')
    const table = await prune(page, 'magnitude', 85)
    expect(table.get('Zeros')!.slice(0, 2)).toEqual(['0.0 %', '85.0 %'])
    const [before, after] = table.get('Accuracy')!.map((text) => Number.parseFloat(text))
    expect(before).toBeGreaterThan(96)
    expect(after).toBeGreaterThan(85)
    for (const row of ['ONNX file, compressed', 'Time']) expect(table.get(row)?.[1]).toMatch(/^[\d.]+ (k|M)?(B|ms)$/)

    const { name, bytes } = await saved(page, 'Download ONNX')
    expect(name).toBe('net.pruned.onnx')
    const file = readOnnx(bytes, name)
    const dense = readOnnx(readFileSync(sample), 'net.onnx')
    const here = pruneStored(dense, { method: 'magnitude', sparsity: 0.85, scope: 'global', seed: 0, tensors }).file
    for (const tensor of tensors)
      expect(toFloats(file.tensors.get(tensor)!)).toEqual(toFloats(here.tensors.get(tensor)!))
    const zeros = tensors.flatMap((tensor) => [...toFloats(file.tensors.get(tensor)!)]).filter((w) => w === 0).length
    expect(zeros).toBe(Math.round(0.85 * 430_500))
    const again = parseSafetensors((await saved(page, 'Download safetensors')).bytes, 'safetensors')
    expect(toFloats(again.tensors.get('fc1.weight')!)).toEqual(toFloats(here.tensors.get('fc1.weight')!))
    const report = await saved(page, 'Download a report')
    expect(report.name).toBe('net.report.html')
    const html = Buffer.from(report.bytes).toString()
    for (const said of ['net.onnx', 'Magnitude', 'fc1.weight', '85.0 %', 'Espalier']) expect(html).toContain(said)
    const facts = JSON.parse(/<script type="application\/json" id="facts">(.*?)<\/script>/s.exec(html)![1])
    expect(facts).toMatchObject({ file: 'net.onnx', weights: 430_500, after: { zeros } })

    const draw = random(1, 'images')
    const images = Array.from({ length: 3 * 784 }, () => Math.fround(draw.normal()))
    const logits = await inRuntime(page, bytes, { values: images, shape: [3, 1, 28, 28] })
    const ours = new SparseModel(file, { machine: wasm }).run(images)
    expect(logits.length).toBe(30)
    logits.forEach((logit, i) => void expect(logit).toBeCloseTo(ours[i], 4))

    expect(errors).toEqual([])
    const outside = fetched.filter((address) => /^https?:/.test(address) && !address.includes('/ort/'))
    expect(outside).toEqual([])
    const scripts = new Set(fetched.filter((address) => /^assets\/.*\.js$/.test(address)))
    const size = [...scripts].reduce((sum, path) => sum + gzipSync(readFileSync(join(built, path))).length, 0)
    expect(scripts.size).toBeGreaterThan(1)
    expect(size).toBeLessThan(215_000)
    // And all that the page may load later, as files are compressed that lie ready on a server.
    const all = readdirSync(join(built, 'assets')).filter((name) => name.endsWith('.js'))
    const texts = all.map((name) => readFileSync(join(built, 'assets', name))).filter((text) => !isOfTraining(text))
    const brotli = texts.reduce((sum, text) => sum + brotliCompressSync(text).length, 0)
    expect(brotli).toBeGreaterThan(size)
    expect(brotli).toBeLessThan(246_000)
  }, 90_000)

  it('Wanda on random inputs removes the same weights as in Node', async () => {
    const { page } = await openPage('')
    await page.click('button:text("Take the sample")')
    await page.waitForSelector('.tensors')
    await page.check('input[value=random]')
    const table = await prune(page, 'wanda', 70)
    expect(Number(table.get('Distance of outputs')?.[1])).toBeGreaterThan(0.001)
    const found = parseSafetensors((await saved(page, 'Download safetensors')).bytes, 'safetensors')

    const here = opened(readFileSync(sample), 'lenet-5.onnx')
    const data = await samplesFor(here, { kind: 'random' })
    const network = new Network({ machine: wasm, model: here.model!, data, masks: true })
    loadWeights(network, here.version.weights, 'lenet-5.onnx')
    pruneInSequence(network, 'wanda', { sparsity: 0.7, samples: 512 })
    for (const tensor of tensors)
      expect(toFloats(found.tensors.get(tensor)!)).toEqual(Float32Array.from(network.weights.whole(tensor)))
  }, 90_000)

  it('in an isolated page works on several threads, to the same bits, and so does ONNX Runtime', async () => {
    const { page, errors } = await openPage('', { isolated: true })
    await page.click('button:text("Take the sample")')
    await page.waitForSelector('.tensors')
    await page.check('input[value=random]')
    await page.check('label:text("Beside ONNX Runtime Web") input')
    const table = await prune(page, 'wanda', 70)
    const times = [...table].filter(([row]) => row.startsWith('Time'))
    expect(times).toHaveLength(2)
    for (const [, [, after]] of times) expect(after).toMatch(/^[\d.]+ ms$/)
    expect(await page.textContent('body')).toMatch(/Time is of one sample on \d threads in this browser/)
    const found = parseSafetensors((await saved(page, 'Download safetensors')).bytes, 'safetensors')
    const alone = await openPage('')
    await alone.page.click('button:text("Take the sample")')
    await alone.page.waitForSelector('.tensors')
    await alone.page.check('input[value=random]')
    await prune(alone.page, 'wanda', 70)
    expect(await alone.page.textContent('body')).toContain('on one thread in this browser')
    const other = parseSafetensors((await saved(alone.page, 'Download safetensors')).bytes, 'safetensors')
    for (const tensor of tensors)
      expect(toFloats(found.tensors.get(tensor)!)).toEqual(toFloats(other.tensors.get(tensor)!))
    expect(errors).toEqual([])
  }, 90_000)

  it('takes numbers as they are typed, ignores a second click, and says what a stop costs', async () => {
    const { page, errors } = await openPage('')
    await page.click('button:text("Take the sample")')
    await page.waitForSelector('.tensors')
    await page.focus('#value')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('87.5')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.result')
    expect(await page.inputValue('#value')).toBe('87.5')
    await page.waitForSelector('.go button[type=submit]:not(:disabled)')
    expect(await page.textContent('.result')).toContain('87.5 %')
    // The button that was used is gone, and the one in its place has the focus.
    expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY')

    await page.selectOption('#method', 'obc')
    await page.dblclick('.go button[type=submit]')
    await page.waitForSelector('button:text("Cancel")')
    await page.setInputFiles('#file', sample)
    await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent)
    expect(await page.textContent('[role=alert]')).toMatch(/^lenet-5\.onnx is not opened while something else goes on/)
    await page.click('button:text("Cancel")')
    await page.waitForSelector('.go button[type=submit]:not(:disabled)')
    expect(await page.textContent('.progress')).toBe(
      'Stopped: the network is as it was, and what was pruned before is gone.',
    )
    expect(errors).toEqual([])
  }, 60_000)

  it('opens what is odd: a tensor without values, one of zeros, and values that are no numbers', async () => {
    const { page, errors } = await openPage('')
    const tensor = (shape: number[], values: number[]) => storeFloats(Float32Array.from(values), shape)
    const tensors = new Map([
      ['empty', tensor([0, 40], [])],
      ['nothing', tensor([2, 2], [0, 0, 0, 0])],
      ['odd', tensor([2, 2], [Number.NaN, Number.POSITIVE_INFINITY, 0.5, -0.25])],
    ])
    await drop(page, 'odd.safetensors', encodeSafetensors({ tensors, metadata: {} }))
    await page.waitForSelector('.tensors')
    const said: Record<string, string> = {
      empty: 'No value is different from zero',
      nothing: 'No value is different from zero',
      odd: 'from -0.50 to 0.50; 2 are no finite numbers',
    }
    for (const [name, text] of Object.entries(said)) {
      await page.click(`.tensors button:text-is("${name}")`)
      await page.waitForFunction((called) => document.querySelector('.tensor-view h3')?.textContent === called, name)
      expect(await page.textContent('.tensor-view')).toContain(text)
    }
    expect(await page.textContent('.tensors')).not.toContain('NaN')
    expect(errors).toEqual([])
  }, 60_000)

  it('says of a damaged file one sentence, keeps the network before, and stops work that is cancelled', async () => {
    const { page, errors } = await openPage('')
    const bytes = readFileSync(sample)
    await drop(page, 'half.onnx', bytes.subarray(0, bytes.length / 2))
    await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent)
    expect(await page.textContent('[role=alert]')).toMatch(/^half\.onnx is not a valid ONNX model: [^.]+$/)
    expect(await page.$('.tensors')).toBeNull()

    const small = { tensors: new Map([['w', { dtype: 'F32' as const, shape: [2, 3], data: new Uint8Array(24) }]]) }
    await drop(page, 'some.safetensors', encodeSafetensors({ ...small, metadata: {} }))
    await page.waitForSelector('.note')
    expect(await page.textContent('.note')).toContain('does not say what network it holds')
    expect(await page.$eval('#method option[value=obc]', (option) => (option as HTMLOptionElement).disabled)).toBe(true)

    await page.setInputFiles('#file', sample)
    await page.waitForFunction(() => document.querySelector('.tensors')?.textContent?.includes('conv1.weight'))
    await drop(page, 'letters.txt', Buffer.from('no network'))
    await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent)
    expect(await page.textContent('[role=alert]')).toMatch(/^letters\.txt: expected a file whose name ends in /)
    await page.selectOption('#method', 'obc')
    await page.click('button[type=submit]')
    await page.click('button:text("Cancel")')
    await page.waitForFunction(() => document.querySelector('[aria-live]')?.textContent?.startsWith('Stopped'))
    expect((await prune(page, 'magnitude', 50)).get('Zeros')?.[1]).toBe('50.0 %')
    expect(await page.textContent('[role=alert]')).toBe('')
    expect(errors).toEqual([])
  }, 90_000)

  it('all can use it, by keys alone and on a narrow screen, and nothing jumps', async () => {
    const { page, errors } = await openPage('', { viewport: { width: 390, height: 844 } })
    await page.evaluate(() => {
      const shifts: number[] = []
      Object.assign(globalThis, { shifts })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value)
      }).observe({ type: 'layout-shift', buffered: true })
    })
    await expectAccessible(page)
    // By keys alone: to the sample, to the first tensor, to the button that prunes.
    await page.focus('button:text("Take the sample")')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.tensors')
    await page.focus('.tensors button')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.waitForFunction(() => document.querySelector('.tensor-view h3')?.textContent === 'conv2.weight')
    await page.focus('#value')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#result', { timeout: 60_000 })
    await expectAccessible(page)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(390)
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts)
    expect(shifts.reduce((a, b) => a + b, 0)).toBeLessThan(0.02)
    expect(errors).toEqual([])
  }, 90_000)
})
