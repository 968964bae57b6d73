/** @file The browser of tests of pages; they are skipped where there is none. */
import { existsSync } from 'node:fs'

/** Debian's; CHROMIUM names another. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const hasChromium = existsSync(CHROMIUM)
if (!hasChromium)
  console.warn(`the test of a page is skipped: no browser at ${CHROMIUM} (Debian: apt-get install chromium)`)
