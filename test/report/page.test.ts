/**
 * @file The page of a report in a browser: complete, offline, light and dark. Skipped where there is no
 * Chromium.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { page } from '../../src/report/page.ts'
import { picturesOf } from '../../src/report/pictures/index.ts'
import { reportOf } from '../../src/report/report.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { CHROMIUM, hasChromium } from '../support/chromium.ts'
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
  writeFileSync(file, await page(report, await picturesOf(report.groups.groups)))
  return pathToFileURL(file).href
}

describe.skipIf(!hasChromium)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM })
  }, 60_000)
  afterAll(() => browser?.close())

  it('shows tables and pictures, runs nothing, fetches nothing, light and dark', async () => {
    const url = await writePage()
    const seen = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const tab = await browser.newPage({ colorScheme, viewport: { width: 1200, height: 900 } })
      const requests: string[] = []
      tab.on('request', (request) => requests.push(request.url()))
      await tab.goto(url)
      expect(await tab.title()).toBe('pruned-mlp')
      expect(await tab.textContent('header p')).toBe(hostile)
      expect(await tab.$$eval('figure h2', (all) => all.map((one) => one.textContent))).toEqual([
        'Accuracy and sparsity',
        'Training',
        'Weights left in each layer',
        'Weights before and after',
        'Masks of the first layer',
        'Time and operations',
      ])
      expect(await tab.$$eval('section tbody tr', (rows) => rows.map((row) => row.children[5].textContent))).toEqual([
        '92.70 ± 0.71',
        '92.60 ± 0.71',
        '88.70 ± 0.71',
        '88.60 ± 0.71',
      ])
      // Nothing sticks out, and every picture has a size.
      expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1200)
      for (const svg of await tab.$$('figure svg')) expect((await svg.boundingBox())!.height).toBeGreaterThan(80)
      expect(requests).toEqual([url])
      const axis = await tab.$eval('#accuracy .role-axis-title text', (one) => getComputedStyle(one).fill)
      const { data, info } = await sharp(await tab.screenshot({ fullPage: true }))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true })
      expect(info.height).toBeGreaterThan(2000)
      seen.push({ axis, corner: data[0] })
      await tab.close()
    }
    // Dark text on a light page, light text on a dark one.
    expect(seen).toEqual([
      { axis: 'rgb(36, 41, 47)', corner: 246 },
      { axis: 'rgb(230, 237, 243)', corner: 15 },
    ])
  }, 60_000)
})
