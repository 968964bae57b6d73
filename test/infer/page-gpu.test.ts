/**
 * @file A page that is not isolated infers on WebGPU in its own thread, to a few roundings of what
 * WebAssembly computes in Node. Skipped where there is no Chromium.
 */
import { chromium } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { encodeSafetensors, parseSafetensors } from '../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { random } from '../../src/util/random.ts'
import { compiled, root } from '../cli/cli.ts'
import { CHROMIUM, hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { addressOf, servePage } from '../support/page-server.ts'
import { prunedCase } from '../support/pruned-case.ts'

const file = encodeSafetensors(prunedCase('resnet20', 0.25).file)
const here = new SparseModel(parseSafetensors(file, 'file'), { machine: wasm, kernels: 'sparse' })
const rng = random(1, 'images')
const images = Float32Array.from({ length: 3 * here.model.image.reduce((a, b) => a * b) }, () => rng.normal())

const SCRIPT = `
  import { parseSafetensors } from './espalier/lib/web.js'
  import { GpuModel, UserError } from './espalier/lib/web-gpu.js'
  const bytes = async (path) => (await fetch(path)).arrayBuffer()
  const told = { isolated: crossOriginIsolated, shares: typeof SharedArrayBuffer }
  try {
    const file = parseSafetensors(new Uint8Array(await bytes('model.safetensors')), 'model.safetensors')
    const model = await GpuModel.open(file, { kernels: 'sparse' })
    const logits = await model.run(new Float32Array(await bytes('images.f32')))
    window.told = { ...told, description: model.description, logits: [...logits] }
  } catch (error) {
    window.told = { ...told, error: error.message, isUserError: error instanceof UserError }
  }
`

interface Told {
  isolated: boolean
  shares: string
  description?: string
  logits?: number[]
  error?: string
  isUserError?: boolean
}

async function told(args: string[]): Promise<Told> {
  const files = new Map<string, Uint8Array | string>([
    ['/', '<!doctype html><script type="module" src="infer.js"></script>'],
    ['/infer.js', SCRIPT],
    ['/model.safetensors', file],
    ['/images.f32', new Uint8Array(images.buffer)],
  ])
  const server = servePage(files, { '/espalier/': root })
  onTestFinished(() => void server.close())
  const browser = await chromium.launch({ executablePath: CHROMIUM, args })
  try {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    await page.goto(addressOf(server))
    const found = page.waitForFunction(() => (window as { told?: Told }).told, undefined, { timeout: 40_000 })
    await found.catch((error) => {
      throw new Error(`the page told nothing: ${[...errors, error.message].join('; ')}`)
    })
    return (await (await found).jsonValue()) as Told
  } finally {
    await browser.close()
  }
}

describe.skipIf(!hasChromium)('in a page that is not isolated', () => {
  beforeAll(compiled, 120_000)

  it('infers on WebGPU what WebAssembly does', async () => {
    const { isolated, shares, error, description, logits = [] } = await told(['--enable-unsafe-webgpu'])
    expect(error).toBeUndefined()
    expect([isolated, shares]).toEqual([false, 'undefined'])
    expect(description).toMatch(/^webgpu \(.+\)$/)
    const want = here.run(images)
    const size = Math.max(...want.map(Math.abs))
    expect(logits.length).toBe(want.length)
    for (const [i, logit] of logits.entries()) expect(Math.abs(logit - want[i])).toBeLessThan(1e-5 * size)
  }, 60_000)

  it('says where there is no adapter', async () => {
    const { error, isUserError } = await told(['--disable-features=WebGPUService', '--disable-gpu'])
    expect(error).toMatch(/^WebGPU: (there is none|no adapter was found): expected /)
    expect(isUserError).toBe(true)
  }, 60_000)
})
