/**
 * @file The package as npm packs it, in a project of its own: it imports in Node and in a page, its types
 * resolve, all that it exports is there.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compiled, root } from './cli/cli.ts'
import { written } from './formats/onnx/build.ts'
import { CHROMIUM, hasChromium } from './support/chromium.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** A folder of a project that has the package installed, without the scripts that build the native engine. */
let project: string
const installed = () => join(project, 'node_modules/espalier')

/** x [N, 4] times a matrix of 1, 2, 3...: the scores of 1, 0, 0, 0 are its first row. */
const onnx = written({
  input: [-1, 4],
  stored: { w: { shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => i + 1) } },
  steps: [{ op: 'MatMul', inputs: ['x', 'w'] }],
})

beforeAll(async () => {
  await compiled()
  project = mkdtempSync(join(tmpdir(), 'espalier-packed-'))
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  mkdirSync(installed(), { recursive: true })
  execFileSync('tar', ['-xzf', join(project, filename), '-C', installed(), '--strip-components=1'])
  // What it depends on, and nothing else.
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) {
    const link = join(project, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'model.onnx'), onnx)
}, 180_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

it('holds every file that it exports or runs, and no tests', () => {
  const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>).flatMap(
    (target) => (typeof target === 'string' ? [target] : Object.values(target)),
  )
  for (const file of [...targets, ...Object.values(manifest.bin as Record<string, string>)])
    expect(existsSync(join(installed(), file)), file).toBe(true)
  for (const folder of ['test', 'src', 'bench']) expect(existsSync(join(installed(), folder))).toBe(false)
})

it('imports in Node, and runs', () => {
  writeFileSync(
    join(project, 'use.js'),
    `import { openMachine, pruneStored, readWeights, SparseModel, writeNetwork } from 'espalier'
import { parseSafetensors } from 'espalier/web'
import { readOnnx } from 'espalier/web/onnx'
const weights = await readWeights('model.onnx')
const { file } = pruneStored(weights, { method: 'magnitude', sparsity: 0.5, scope: 'global', tensors: ['w'], seed: 0 })
await writeNetwork('half.onnx', { weights: file, onnx: weights.onnx })
const model = new SparseModel(await readWeights('half.onnx'), { machine: await openMachine() })
console.log(JSON.stringify([...model.run([0, 1, 1, 0])]), typeof parseSafetensors, typeof readOnnx)`,
  )
  const output = execFileSync(process.execPath, ['use.js'], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // 7, 8 and 9 are left of the middle rows.
  expect(output.trim()).toBe('[7,8,9] function function')
})

it('its command runs', () => {
  const main = join(installed(), manifest.bin.espalier)
  const output = execFileSync(process.execPath, [main, 'list', 'models', '--json'], { cwd: project, encoding: 'utf8' })
  expect(output).toContain('resnet20')
  const flags = ['--dry-run', '--json', '--set', 'data.name=synthetic']
  const dry = execFileSync(process.execPath, [main, 'run', 'quickstart', ...flags], { cwd: project, encoding: 'utf8' })
  expect(JSON.parse(dry)).toMatchObject({ parameters: 266_610 })
})

it('its types resolve', () => {
  writeFileSync(
    join(project, 'use.ts'),
    `import { type Evaluation, findModel, type Recipe, SparseModel, type WeightsFile } from 'espalier'
import { parseSafetensors, wasmMachine } from 'espalier/web'
import { type OnnxWeights, readOnnx } from 'espalier/web/onnx'
const model: string = findModel('resnet20').name
export const load = (bytes: Uint8Array, module: WebAssembly.Module): SparseModel => new SparseModel(readOnnx(bytes, model), { machine: wasmMachine(module) })
export type Known = Evaluation | Recipe | WeightsFile | OnnxWeights
// @ts-expect-error a name is no number
findModel(20)
void parseSafetensors`,
  )
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,dom',
    '--types',
    'node',
  ]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const run = () => execFileSync(process.execPath, [tsc, ...options, 'use.ts'], { cwd: project, encoding: 'utf8' })
  expect(run()).toBe('')
}, 180_000)

describe.skipIf(!hasChromium)('in a page', () => {
  it('an ONNX model runs, with its packages by an import map', async () => {
    const html = `<!doctype html><pre></pre>
<script type="importmap">{ "imports": {
  "espalier/web": "/espalier/dist/web.js",
  "espalier/web/onnx": "/espalier/dist/web-onnx.js",
  "onnx-buf": "/onnx-buf/dist/onnx_pb.js",
  "@bufbuild/protobuf": "/@bufbuild/protobuf/dist/esm/index.js",
  "@bufbuild/protobuf/codegenv2": "/@bufbuild/protobuf/dist/esm/codegenv2/index.js"
} }</script>
<script type="module">
  import { SparseModel, wasmMachine } from 'espalier/web'
  import { readOnnx } from 'espalier/web/onnx'
  const machine = wasmMachine(await WebAssembly.compileStreaming(fetch('/espalier/kernels/espalier.wasm')))
  const bytes = new Uint8Array(await (await fetch('/model.onnx')).arrayBuffer())
  const model = new SparseModel(readOnnx(bytes, 'model.onnx'), { machine })
  document.querySelector('pre').textContent = model.run([1, 0, 0, 0]).join(' ')
</script>`
    const types: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }
    const server = createServer(({ url = '/' }, response) => {
      const path = join(project, 'node_modules', url)
      const body = url === '/' ? html : url === '/model.onnx' ? onnx : existsSync(path) ? readFileSync(path) : undefined
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': types[extname(url)] ?? 'text/html' })
      response.end(body)
    }).listen(0, '127.0.0.1')
    const browser = await chromium.launch({ executablePath: CHROMIUM })
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', ({ message }) => errors.push(message))
      page.on('requestfailed', (request) => errors.push(request.url()))
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await page
        .waitForFunction(() => document.querySelector('pre')?.textContent, undefined, { timeout: 20_000 })
        .catch((error) => {
          throw new Error(`the page showed nothing: ${[...errors, error.message].join('; ')}`)
        })
      expect(errors).toEqual([])
      expect(await page.textContent('pre')).toBe('1 2 3')
    } finally {
      await browser.close()
      server.close()
    }
  }, 60_000)
})
