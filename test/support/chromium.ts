/** @file The browser of tests of pages. */
import { existsSync } from 'node:fs'
import { needed } from './needed.ts'

/** Debian's; CHROMIUM names another. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const hasChromium = needed(`the browser ${CHROMIUM}`, existsSync(CHROMIUM), 'apt-get install chromium')
