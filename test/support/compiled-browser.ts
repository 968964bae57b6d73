/** @file A browser for the tests of a suite whose pages come from the compiled package. */
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { compiled } from '../cli/cli.ts'
import { CHROMIUM } from './chromium.ts'

/** Opened before the tests of the suite that it is called in, and closed after them. */
export function compiledBrowser(): () => Browser {
  let browser: Browser
  beforeAll(async () => {
    await compiled()
    browser = await chromium.launch({ executablePath: CHROMIUM })
  }, 120_000)
  afterAll(() => browser?.close())
  return () => browser
}
