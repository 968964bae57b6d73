/**
 * @file The page of a report in a browser: complete, offline, light and dark, also without scripts. Skipped
 * where there is no Chromium.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { page } from '../../src/report/page.ts'
import { reportOf } from '../../src/report/report.ts'
import { reportView } from '../../src/report/view.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { expectAccessible } from '../site/site.ts'
import { hasChromium } from '../support/chromium.ts'
import { compiledBrowser } from '../support/compiled-browser.ts'
import { writeRun } from './runs.ts'

const hostile = '</title><script>document.title="run"</script> & "quotes"'

/** A sweep over two methods, two sparsities and two seeds, with a title that would rather be a script. */
async function writePage(): Promise<string> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'sweep.yaml'), JSON.stringify({ name: 'pruned-mlp', summary: hostile }))
  for (const method of ['magnitude', 'random'])
    for (const sparsity of [0.9, 0.95])
      for (const seed of [0, 1]) {
        const recipe = {
          seed,
          prune: { ...tiny.prune, method, sparsity },
          about: { published: [{ value: 92, where: { 'prune.sparsity': 0.9 } }] },
        }
        const accuracy = (method === 'random' ? 0.9 : 0.94) - sparsity / 50 + seed / 100
        const kept = sparsity === 0.9 ? ([3136, 80, 20] as const) : ([1568, 40, 10] as const)
        writeRun(join(folder, 'runs', `${method}-${sparsity}-${seed}`), { accuracy, recipe, kept, weights: true })
      }
  const report = reportOf([folder])
  const file = join(folder, 'report.html')
  writeFileSync(file, page(report, await reportView(report, { command: 'espalier report here' })))
  return pathToFileURL(file).href
}

describe.skipIf(!hasChromium)('in a browser', () => {
  const browser = compiledBrowser()

  const open = async (url: string, options: Parameters<Browser['newPage']>[0] = {}) => {
    const tab = await browser().newPage({ viewport: { width: 1200, height: 900 }, ...options })
    onTestFinished(() => tab.close())
    const [requests, errors]: string[][] = [[], []]
    tab.on('request', (request) => requests.push(request.url()))
    tab.on('pageerror', ({ message }) => errors.push(message))
    await tab.goto(url)
    return { tab, requests, errors }
  }
  const rows = (tab: Page, column: number) =>
    tab.$$eval(
      '[aria-label=Results] tbody tr',
      (all, at) => all.map((row) => row.children[at].textContent!.replace('best', '').trim()),
      column,
    )

  it('shows tables and pictures, fetches nothing, light and dark', async () => {
    const url = await writePage()
    const seen = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const { tab, requests, errors } = await open(url, { colorScheme })
      expect(await tab.title()).toBe('pruned-mlp')
      expect(await tab.textContent('header p')).toBe(hostile)
      expect(await tab.$$eval('h2', (all) => all.map((one) => one.textContent))).toEqual([
        'Accuracy and sparsity',
        'Training loss',
        'Validation accuracy',
        'Weights left in each layer',
        'Weights before and after',
        'Masks of the first layer',
        'Time and operations',
        'Where this is from',
      ])
      expect(await rows(tab, 5)).toEqual(['92.70 ± 0.71', '92.60 ± 0.71', '88.70 ± 0.71', '88.60 ± 0.71'])
      // Of each sparsity the better method.
      expect(await tab.$$eval('tr.best', (all) => all.map((row) => row.children[1].textContent))).toEqual([
        '90 %',
        '95 %',
      ])
      // Nothing sticks out, every picture has a size, and none is made of what is no number.
      expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1200)
      for (const svg of await tab.$$('.plot-area svg')) expect((await svg.boundingBox())!.height).toBeGreaterThan(200)
      expect(await tab.$$eval('svg', (all) => all.map((one) => one.outerHTML).join())).not.toMatch(
        /NaN|undefined|Infinity/,
      )
      expect([requests, errors]).toEqual([[url], []])
      const axis = await tab.$eval('.axes .title', (one) => getComputedStyle(one).fill)
      const { data, info } = await sharp(await tab.screenshot({ fullPage: true }))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true })
      expect(info.height).toBeGreaterThan(2000)
      seen.push({ axis, corner: data[0] })
      await expectAccessible(tab)
    }
    // Dark text on a light page, light text on a dark one.
    expect(seen).toEqual([
      { axis: 'rgb(27, 31, 36)', corner: 246 },
      { axis: 'rgb(232, 234, 236)', corner: 18 },
    ])
  }, 60_000)

  it('tells values, hides lines and sorts', async () => {
    const { tab } = await open(await writePage())
    const chart = tab.locator('.chart').first()
    expect(await chart.locator('.across text').textContent()).toBe('before pruning 95.00 %')
    expect(await chart.locator('.plot-area path.stroke').count()).toBe(2)
    // Published figures stand beside the line, hollow.
    expect(await chart.locator('.plot-area circle.hollow').count()).toBe(2)
    await chart.locator('.plot-area').hover({ position: { x: 70, y: 60 } })
    expect(await chart.locator('.tip').textContent()).toBe('magnitudetest accuracy, %: 92.70 % ± 0.71sparsity: 90 %')
    await chart.locator('.legend button:text("magnitude")').click()
    expect(await chart.locator('.plot-area path.stroke').count()).toBe(1)
    expect(await chart.locator('.legend button').first().getAttribute('aria-pressed')).toBe('false')
    await chart.locator('summary').click()
    expect(await chart.locator('.values td').allTextContents()).toEqual(['92.70 %', '88.70 %', '92.60 %', '88.60 %'])
    // Straight segments, a mark on each of three epochs.
    const training = tab.locator('.chart').nth(1)
    const paths = await training
      .locator('.plot-area path.stroke')
      .evaluateAll((all) => all.map((one) => one.getAttribute('d')))
    expect(paths).toHaveLength(4)
    for (const path of paths) expect(path).toMatch(/^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+){2}$/)
    expect(await training.locator('.plot-area path.fill').count()).toBe(12)

    const accuracy = '[aria-label=Results] th:has-text("test accuracy")'
    await tab.click(`${accuracy} button`)
    await tab.click(`${accuracy} button`)
    expect(await rows(tab, 5)).toEqual(['88.60 ± 0.71', '88.70 ± 0.71', '92.60 ± 0.71', '92.70 ± 0.71'])
    expect(await tab.getAttribute(accuracy, 'aria-sort')).toBe('ascending')
    const facts = await tab.$$eval('.origin div', (all) => all.map((one) => one.textContent))
    expect(facts.join('\n')).toMatch(/^Report\d{4}-\d\d-\d\d \d\d:\d\d UTC\nCommandespalier report here$/)
  }, 60_000)

  it('a telephone shows all of it, in no text too small to read', async () => {
    const { tab } = await open(await writePage(), { viewport: { width: 390, height: 844 } })
    expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    const smallest = await tab.evaluate(() => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      let size = Number.POSITIVE_INFINITY
      for (let node = walker.nextNode(); node; node = walker.nextNode())
        if (node.textContent!.trim() && !/SCRIPT|STYLE/.test(node.parentElement!.tagName))
          size = Math.min(size, Number.parseFloat(getComputedStyle(node.parentElement!).fontSize))
      return size
    })
    expect(smallest).toBeGreaterThanOrEqual(11)
  }, 60_000)

  it('has its tables without scripts', async () => {
    const { tab } = await open(await writePage(), { javaScriptEnabled: false })
    expect(await tab.locator('table').count()).toBe(2)
    expect(await tab.locator('table').first().locator('tbody tr').allTextContents()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^magnitude best90 %.*92\.70 ± 0\.71/)]),
    )
    expect(await tab.locator('noscript').textContent()).toContain('With scripts')
  }, 60_000)
})
