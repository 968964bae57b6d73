// Pictures of the pages for the documents, in docs/pages: what they show is what the pages do, in Debian's
// Chromium (CHROMIUM names another), in a light and a dark theme.
//
// Usage: npm run screenshots, which builds the pages first
import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [site, folder] = [join(root, 'build/site'), join(root, 'docs/pages')]
/** What a picture may weigh. */
const MOST_BYTES = 150_000

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }
const server = createServer(({ url }, response) => {
  const path = join(site, normalize(url.replace(/[?#].*/, '')))
  if (!existsSync(path) || statSync(path).isDirectory()) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' })
  createReadStream(path).pipe(response)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = `http://127.0.0.1:${server.address().port}`

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
mkdirSync(folder, { recursive: true })
const page = await browser.newPage({ viewport: { width: 1000, height: 760 } })

/** Of a part of the page, or of all that is seen. */
async function picture(name, part) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const path = join(folder, `${name}-${colorScheme}.png`)
    await (part ? page.locator(part) : page).screenshot({ path })
    const { size } = statSync(path)
    if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes, expected at most ${MOST_BYTES}`)
  }
}

const section = (heading) => `section[aria-labelledby=${heading}]`
const worked = () => page.waitForSelector('.go button[type=submit]:not(:disabled)', { timeout: 300_000 })

await page.goto(`${address}/index.html`)
await page.click('button:text("Take the sample")')
await page.waitForSelector('.tensors')
await page.fill('#value', '90')
await page.click('.go button[type=submit]')
await worked()
await page.waitForSelector(section('result'))
await picture('result', section('result'))
await page.click('button:text("Measure sensitivity")')
await page.waitForSelector('.sensitivity', { timeout: 300_000 })
await worked()
await picture('sensitivity', section('sensitivity'))

await page.goto(`${address}/train.html`)
await page.selectOption('#method', 'gradual')
await page.click('button[type=submit]')
await page.waitForSelector('button:text("Train again")', { timeout: 300_000 })
await picture('train')

await browser.close()
server.close()
