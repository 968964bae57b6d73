/** @file The pages of site/ for their tests: built where that is due, served, and opened in a browser. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { compiled, newestIn, oneAtATime, root } from '../cli/cli.ts'
import { CHROMIUM } from '../support/chromium.ts'
import { addressOf, servePage } from '../support/page-server.ts'

const require = createRequire(import.meta.url)
export const built = join(root, 'build/site')
export const sample = join(root, 'build/site-data/lenet-5.onnx')

/** Builds the pages where a source is newer. */
export async function siteBuilt(): Promise<void> {
  await compiled()
  await oneAtATime('building-site', () => {
    const page = join(built, 'index.html')
    const newest = Math.max(...['site', 'src', 'kernels'].map((folder) => newestIn(join(root, folder))))
    if (existsSync(sample) && (statSync(page, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return
    const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, stdio: 'pipe' })
    run('scripts/site-data.mjs')
    run('node_modules/vite/bin/vite.js', 'build', '--config', 'site/vite.config.ts')
  })
}

export interface Opened {
  page: Page
  /** What the browser complained about. */
  errors: string[]
  /** Addresses of all that was fetched, without the server's. */
  fetched: string[]
}

/**
 * Opens a page until the test ends, below a folder as on any server; onnxruntime-web lies beside it under
 * /ort/. An `isolated` page has threads.
 */
export async function openPage(
  name: string,
  { isolated, ...options }: Parameters<Browser['newPage']>[0] & { isolated?: boolean } = {},
): Promise<Opened> {
  const ort = dirname(require.resolve('onnxruntime-web'))
  const server = servePage(new Map(), { '/some/folder/': built, '/ort/': ort }, { isolated })
  const args = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
  const browser = await chromium.launch({ executablePath: CHROMIUM, args })
  onTestFinished(async () => {
    await browser.close()
    server.close()
  })
  const page = await browser.newPage({ acceptDownloads: true, ...options })
  const errors: string[] = []
  const fetched: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('request', (request) => fetched.push(request.url().replace(`${addressOf(server)}/some/folder/`, '')))
  await page.goto(`${addressOf(server)}/some/folder/${name}`)
  await page.waitForSelector('h1')
  return { page, errors, fetched }
}

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** Fails where axe-core finds that some cannot use the page as it is now, in either theme. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    expect(await violations(page), colorScheme).toEqual([])
  }
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('; ')}`)
  })
}

/** What the first output of a model is in onnxruntime-web, in the page, for values of its first input. */
export async function inRuntime(
  page: Page,
  bytes: Uint8Array,
  { values, shape }: { values: readonly number[]; shape: readonly number[] },
): Promise<number[]> {
  await page.addScriptTag({ url: '/ort/ort.wasm.min.js' })
  return page.evaluate(
    async ([text, given, dims]) => {
      const { ort } = globalThis as unknown as { ort: typeof import('onnxruntime-web') }
      ort.env.wasm.numThreads = 1
      const session = await ort.InferenceSession.create(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)))
      const input = new ort.Tensor('float32', Float32Array.from(given), dims)
      const found = await session.run({ [session.inputNames[0]]: input })
      return [...(found[session.outputNames[0]].data as Float32Array)]
    },
    [Buffer.from(bytes).toString('base64'), values, shape] as const,
  )
}

/** What is saved when a button is pressed. */
export async function saved(page: Page, button: string): Promise<{ name: string; bytes: Uint8Array }> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(`button:text-is("${button}")`)])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}
