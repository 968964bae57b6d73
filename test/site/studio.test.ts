/**
 * @file The studio in a browser: runs that are killed and go on, ten thousand of them, comparisons, reports,
 * and that all can use it. Skipped where there is no Chromium.
 */
import type { ChildProcess } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageFile } from '../../src/util/package.ts'
import { start } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny, writeTiny } from '../experiment/tiny.ts'
import { opened, writeDone, writeSweep } from '../studio/folders.ts'
import { hasChromium } from '../support/chromium.ts'
import { compiledBrowser } from '../support/compiled-browser.ts'
import { expectAccessible } from './site.ts'

describe.skipIf(!hasChromium)('the studio in a browser', () => {
  const browser = compiledBrowser()

  /** A page of a studio, with what the browser complains about, and how far its content has jumped. */
  async function visit(address: string, hash = '', options: Parameters<Browser['newContext']>[0] = {}) {
    const context: BrowserContext = await browser().newContext({ viewport: { width: 1280, height: 800 }, ...options })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.addInitScript(() => {
      Object.assign(globalThis, { moved: 0 })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[])
          if (!entry.hadRecentInput) (globalThis as unknown as { moved: number }).moved += entry.value
      }).observe({ type: 'layout-shift', buffered: true })
    })
    await page.goto(address + hash)
    await page.waitForSelector('h1')
    return { page, errors, moved: () => page.evaluate(() => (globalThis as unknown as { moved: number }).moved) }
  }

  const folders = (page: Page) => page.$$eval('.runs tbody a', (all) => all.map((one) => one.textContent ?? ''))

  it('a run is seen to begin, go on, be killed, be resumed and end', async () => {
    const cwd = temporaryFolder()
    const recipe = writeTiny(cwd, {
      train: { ...tiny.train, epochs: 2500 },
      prune: { ...tiny.prune, end: '1500ep', every: '400it' },
    })
    const { address } = await opened({ folders: [join(cwd, 'runs')] })
    const { page, errors } = await visit(address)
    // There is nothing yet, and it says what to run.
    expect(await page.textContent('.nothing')).toContain('npx espalier run quickstart')
    let child: ChildProcess
    const begin = (...more: string[]) => {
      child = start(['run', recipe, '--out', 'runs/mine', '--checkpoint-seconds', '0.3', ...more], {
        cwd,
        stdio: 'ignore',
      })
    }
    onTestFinished(() => void child.kill('SIGKILL'))
    begin()
    await page.click('.runs tbody a')
    await page.waitForSelector('.state.running')
    await page.waitForSelector('.run-progress:has-text("left")')
    const epoch = async () => Number(/(\d+) of 2500 epochs/.exec((await page.textContent('.run-progress')) ?? '')?.[1])
    const before = await epoch()
    await page.waitForFunction(
      (least) => Number(/(\d+) of 2500/.exec(document.querySelector('.run-progress')!.textContent!)?.[1]) > least,
      before,
    )
    // What its layers have left is known from its last checkpoint.
    expect(await page.textContent('.bars-panel caption')).toBe('at the last checkpoint')
    child!.kill('SIGKILL')
    await page.waitForSelector('.state.stopped')
    begin('--resume')
    await page.waitForSelector('.state.running')
    const resumed = await epoch()
    expect(resumed).toBeGreaterThanOrEqual(before)
    await page.waitForSelector('.state.done', { timeout: 90_000 })
    await page.waitForSelector('.facts-grid:has-text("Before pruning")')
    expect(await page.$('.run-progress')).toBeNull()
    expect(await page.$$eval('.chart h2', (all) => all.map((one) => one.textContent))).toEqual([
      'Training loss',
      'Validation loss',
      'Training accuracy',
      'Validation accuracy',
      'Zeros',
      'Learning rate',
    ])
    expect(await page.textContent('header [role=status]')).toBe('0 running, 1 done')
    expect(errors).toEqual([])
  }, 160_000)

  it('ten thousand runs are a list of which what is in sight is there, at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-many-'))
    onTestFinished(() => rmSync(folder, { recursive: true }), 60_000)
    const like = writeDone(join(folder, 'like'))
    mkdirSync(join(folder, 'runs'))
    for (let i = 0; i < 10_000; i++) {
      const path = join(folder, 'runs', `run-${i}`)
      mkdirSync(path)
      for (const file of ['recipe.yaml', 'metrics.jsonl', 'report.md']) linkSync(join(like, file), join(path, file))
    }
    const { address } = await opened({ folders: [join(folder, 'runs')] })
    const { page, errors, moved } = await visit(address)
    await page.waitForSelector('.runs tbody a')
    const painted = await page.evaluate(() => performance.now())
    expect(painted).toBeLessThan(5000)
    expect(await page.$$eval('.runs tbody tr', (rows) => rows.length)).toBeLessThan(100)
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
    await page.waitForSelector('tr[aria-rowindex="10001"] a')
    await page.evaluate(() => scrollTo(0, 0))
    await page.waitForSelector('tr[aria-rowindex="2"] a')
    expect(await moved()).toBeLessThan(0.01)
    await page.click('th:has-text("Run") button')
    await page.waitForFunction(() => document.querySelector('.runs tbody a')?.textContent?.endsWith('run-0'))
    await page.fill('input[type=search]', 'RUNS run-999')
    await page.waitForFunction(() => document.querySelector('.found')?.textContent === '11 runs')
    expect(await folders(page)).toHaveLength(11)
    expect(errors).toEqual([])
  }, 90_000)

  it('runs are compared, sweeps reported, by keys and in both themes', async () => {
    const folder = temporaryFolder()
    writeSweep(join(folder, 'sweeps', 'two'))
    const { address } = await opened({ folders: [join(folder, 'sweeps')] })
    const { page, errors, moved } = await visit(address)
    await page.waitForSelector('.runs tbody a')
    await expectAccessible(page)
    await page.focus('input[aria-label$="magnitude-0.9-0"]')
    await page.keyboard.press('Space')
    await page.check('input[aria-label$="random-0.9-0"]')
    await page.click('a.button')
    await page.waitForSelector('.figures tbody tr')
    expect(await page.$$eval('.figures thead th', (all) => all.map((one) => one.textContent))).toContain('prune.method')
    await expectAccessible(page)

    // The legend hides a line, the arrow keys tell the values.
    const chart = page.locator('.chart').first()
    expect(await chart.locator('svg path.stroke').count()).toBe(4)
    await chart.locator('.legend button').first().click()
    expect(await chart.locator('.plot-area path.stroke').count()).toBe(1)
    await chart.locator('.plot-area').focus()
    await page.keyboard.press('End')
    expect(await chart.locator('.tip').textContent()).toContain('training loss: 0.3333')

    await page.goto(`${address}#/sweeps`)
    await page.waitForSelector('.sweeps li')
    await expectAccessible(page)
    await page.click('.sweeps a')
    await page.waitForSelector('.origin')
    expect(await page.$$eval('.best', (rows) => rows.length)).toBe(2)
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280)
    expect(await moved()).toBeLessThan(0.1)
    expect(errors).toEqual([])
    const script = gzipSync(readFileSync(packageFile('lib/pages/studio.js')))
    expect(script.length).toBeLessThan(250_000)
  }, 60_000)

  it('the page for starting is there with leave alone, and starts what is chosen', async () => {
    const folder = temporaryFolder()
    writeDone(join(folder, 'one'))
    const { address: closed } = await opened({ folders: [folder] })
    const { page: without } = await visit(closed)
    await without.waitForSelector('.runs tbody a')
    expect(await without.$('nav a:text("Start")')).toBeNull()

    const startable = () => [{ kind: 'recipe' as const, name: 'mine', path: join(folder, 'mine.yaml') }]
    const command = ['-e', 'console.error("espalier: no"); process.exit(1)']
    const { address } = await opened({
      folders: [folder],
      jobs: { command, bases: { recipe: folder, sweep: folder }, startable },
    })
    const { page, errors } = await visit(address, '', { viewport: { width: 390, height: 844 } })
    await page.click('nav a:text("Start")')
    await page.fill('textarea', 'train.epochs=5\nseed=1')
    await page.click('button[type=submit]')
    await page.waitForSelector('.state.failed')
    expect(await page.textContent('.sweeps pre')).toMatch(
      /^espalier run .*mine\.yaml --set train\.epochs=5 --set seed=1/,
    )
    expect(await page.textContent('.sweeps .note')).toBe('espalier: no')
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    expect(errors).toEqual([])
  }, 60_000)
})
