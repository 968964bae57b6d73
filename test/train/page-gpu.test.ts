/**
 * @file A page trains on WebGPU: a worker of an isolated page takes the steps that Node's WebAssembly takes,
 * to a few roundings. Skipped where there is no Chromium.
 */
import { chromium } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { type StepProgress, train } from '../../src/train/train.ts'
import { compiled, root } from '../cli/cli.ts'
import { CHROMIUM, hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { addressOf, servePage } from '../support/page-server.ts'

const data = synthetic({ train: 128, test: 20 })

/** What a page's worker does: five steps, pruning after the second. */
const SCRIPT = `
  import { wasmMachine } from './espalier/lib/web.js'
  import { webGpuMachine } from './espalier/lib/web-gpu.js'
  import { findModel, Network, prune, train } from './espalier/lib/web-train.js'
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer())
  const processor = wasmMachine(await WebAssembly.compileStreaming(fetch('./espalier/kernels/espalier.wasm')))
  const worker = () => new Worker('./espalier/lib/web-gpu-thread.js', { type: 'module' })
  try {
    const machine = await webGpuMachine({ processor, worker })
    const [images, labels] = [await bytes('images.u8'), await bytes('labels.u8')]
    const samples = { count: labels.length, images, labels }
    const data = { name: 'synthetic', image: [1, 28, 28], classes: 10, mean: [0.5], std: [0.25], train: samples, test: samples }
    const network = new Network({ machine, model: findModel('lenet-300-100'), data, batch: 32, seed: 1 })
    const losses = []
    const hooks = [{ atStep(step, network) { if (step === 2) prune(network, { sparsity: 0.9 }) } }]
    const onStep = ({ sums }) => losses.push(sums.loss)
    await train(network, { epochs: 2, schedule: { kind: 'constant', base: 0.05 }, hooks, onStep })
    network.assertMasked()
    const kept = network.counts().map((layer) => layer.kept)
    postMessage({ description: machine.description, losses, kept, accuracy: network.evaluate('test').accuracy })
  } catch (error) {
    postMessage({ error: String(error) })
  }
`

interface Told {
  description: string
  losses: number[]
  kept: number[]
  accuracy: number
  error?: string
}

async function told({ isolated }: { isolated: boolean }): Promise<Told> {
  const files = new Map<string, Uint8Array | string>([
    ['/images.u8', data.train.images as Uint8Array],
    ['/labels.u8', data.train.labels as Uint8Array],
    ['/', '<!doctype html>'],
    ['/train.js', SCRIPT],
  ])
  const server = servePage(files, { '/espalier/': root }, { isolated })
  onTestFinished(() => void server.close())
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--enable-unsafe-webgpu'] })
  try {
    const page = await browser.newPage()
    await page.goto(addressOf(server))
    return await page.evaluate(
      () =>
        new Promise<Told>((resolve, reject) => {
          const worker = new Worker('train.js', { type: 'module' })
          worker.onerror = ({ message }) => reject(new Error(message))
          worker.onmessage = (event) => resolve(event.data)
        }),
    )
  } finally {
    await browser.close()
  }
}

describe.skipIf(!hasChromium)('in a page', () => {
  beforeAll(compiled, 120_000)

  it('trains and prunes on WebGPU as WebAssembly does', async () => {
    const found = await told({ isolated: true })
    expect(found.error).toBeUndefined()
    expect(found.description).toMatch(/^webgpu \(.+\)$/)
    const again = { ...data, test: data.train }
    const network = new Network({ machine: wasm, model: findModel('lenet-300-100'), data: again, batch: 32, seed: 1 })
    const losses: number[] = []
    const hooks = [{ atStep: (step: number, one: Network) => void (step === 2 && prune(one, { sparsity: 0.9 })) }]
    const onStep = ({ sums }: StepProgress) => void losses.push(sums.loss)
    await train(network, { epochs: 2, schedule: { kind: 'constant', base: 0.05 }, hooks, onStep })
    expect(losses.length).toBe(8)
    for (const [i, loss] of losses.entries()) expect(found.losses[i]).toBeCloseTo(loss, 3)
    expect(found.kept).toEqual(network.counts().map((layer) => layer.kept))
    expect(found.accuracy).toBe(network.evaluate('test').accuracy)
  }, 90_000)

  it('a page that is not isolated is told so', async () => {
    const found = await told({ isolated: false })
    expect(found.error).toMatch(/cross-origin isolated/)
  }, 60_000)
})
