/**
 * @file The page of docs/guide-web.md, without a bundler, in a browser: it computes what Node does. Skipped
 * where there is no Chromium.
 */
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeSafetensors, parseSafetensors } from '../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { random } from '../../src/util/random.ts'
import { compiled, root } from '../cli/cli.ts'
import { CHROMIUM, hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { addressOf, servePage } from '../support/page-server.ts'
import { prunedCase } from '../support/pruned-case.ts'

describe.skipIf(!hasChromium)('in a page', () => {
  beforeAll(compiled, 120_000)
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) server.close()
  })

  it.each(['lenet-5', 'resnet20'])(
    '%s infers exactly what it does in Node',
    async (network) => {
      const file = encodeSafetensors(prunedCase(network).file)
      const here = new SparseModel(parseSafetensors(file, 'file'), { machine: wasm })
      const rng = random(1, 'images')
      const images = Float32Array.from({ length: 3 * here.model.image.reduce((a, b) => a * b) }, () => rng.normal())
      const [, html] = readFileSync(join(root, 'docs/guide-web.md'), 'utf8').match(/```html\n(.*?)```/s)!
      const server = servePage(
        new Map<string, Uint8Array | string>([
          ['/', html],
          ['/model.safetensors', file],
          ['/images.f32', new Uint8Array(images.buffer)],
        ]),
        { '/espalier/': root },
      )
      servers.push(server)

      const browser = await chromium.launch({ executablePath: CHROMIUM })
      try {
        const page = await browser.newPage()
        const errors: string[] = []
        page.on('pageerror', ({ message }) => errors.push(message))
        await page.goto(addressOf(server))
        await page
          .waitForFunction(() => document.querySelector('pre')?.textContent, undefined, { timeout: 20_000 })
          .catch((error) => {
            throw new Error(`the page showed nothing: ${[...errors, error.message].join('; ')}`)
          })
        const shown = (await page.textContent('pre'))!.split(' ').map(Number)
        expect(errors).toEqual([])
        expect(here.layers(3).some(({ sparse }) => sparse)).toBe(true)
        expect(shown).toEqual([...here.run(images)])
      } finally {
        await browser.close()
      }
    },
    60_000,
  )
})
