/**
 * @file The worker of docs/guide-web.md trains LeNet-300-100 for ten steps in a browser and prunes it on the
 * way, others train by GSM and are rewired: bit for bit what Node's WebAssembly gives. Skipped where there is
 * no Chromium.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Dataset, Split } from '../../src/data/dataset.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { encodeSafetensors } from '../../src/formats/safetensors-bytes.ts'
import { globalSparseMomentum } from '../../src/methods/gsm/rule.ts'
import { keepTop } from '../../src/methods/gsm/selection.ts'
import { gradualPruning, prune } from '../../src/methods/prune.ts'
import { RewiringHook } from '../../src/methods/rewiring/hook.ts'
import { rewirings } from '../../src/methods/rewiring/index.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { sha256 } from '../../src/util/sha256.ts'
import { compiled, root } from '../cli/cli.ts'
import { CHROMIUM, hasChromium } from '../support/chromium.ts'
import { wasm } from '../support/engines.ts'
import { addressOf, servePage } from '../support/page-server.ts'

/** Ten batches of 128. */
const part = ({ images, labels }: Split, count: number) => ({
  count,
  images: images.subarray(0, 784 * count),
  labels: labels.subarray(0, count),
})
const mnist = loadMnist()
const data: Dataset = { ...mnist, train: part(mnist.train, 1280), test: part(mnist.test, 500) }

interface Told {
  /** SHA-256 of the file. */
  digest: string
  accuracy?: number
  losses?: number[]
}

/** What a module worker with that code posts with its file of weights. */
async function inPage(code: string): Promise<Told> {
  const files = (['train', 'test'] as const).flatMap((name): [string, Uint8Array][] => [
    [`/${name}-images.u8`, data[name].images],
    [`/${name}-labels.u8`, data[name].labels as Uint8Array],
  ])
  const server = servePage(
    new Map<string, Uint8Array | string>([...files, ['/', '<!doctype html>'], ['/train.js', code]]),
    { '/espalier/': root },
  )
  onTestFinished(() => void server.close())
  const browser = await chromium.launch({ executablePath: CHROMIUM })
  try {
    const page = await browser.newPage()
    await page.goto(addressOf(server))
    return await page.evaluate(
      () =>
        new Promise<Told>((resolve, reject) => {
          const worker = new Worker('train.js', { type: 'module' })
          worker.onerror = ({ message }) => reject(new Error(message))
          worker.onmessage = async ({ data: { file, ...told } }) => {
            if (!file) return
            const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file))
            resolve({ ...told, digest: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') })
          }
        }),
    )
  } finally {
    await browser.close()
  }
}

const js = (text: string) => [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code)

describe.skipIf(!hasChromium)('in a page', () => {
  beforeAll(compiled, 120_000)

  it('the worker of the guide does what Node does', async () => {
    const code = js(readFileSync(join(root, 'docs/guide-web.md'), 'utf8')).find((one) => one.startsWith('// train.js'))
    const found = await inPage(code!)

    const network = new Network({ machine: wasm, model: findModel('lenet-300-100'), data, batch: 128 })
    const schedule = { kind: 'cubic', sparsity: 0.95, start: 2, end: 8, every: 1 } as const
    const steps = await train(network, {
      epochs: 1,
      schedule: { kind: 'constant', base: 0.1 },
      optimizer: { momentum: 0.9 },
      hooks: [gradualPruning({ schedule })],
    })
    expect(steps).toBe(10)
    const kept = network.counts().reduce((sum, layer) => sum + layer.kept, 0)
    expect(kept).toBe(266200 - Math.round(0.95 * 266200))
    expect(found.digest).toBe(sha256([encodeSafetensors(weightsOf(network))]))
    expect(found.accuracy).toBe(network.evaluate('test').accuracy)
    expect(found.accuracy).toBeGreaterThan(0.3)
  }, 60_000)

  it('GSM and rewiring do what they do in Node, and weights move', async () => {
    const found = await inPage(`
      import { wasmMachine } from './espalier/lib/web.js'
      import * as espalier from './espalier/lib/web-train.js'
      const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer())
      const machine = wasmMachine(await WebAssembly.compileStreaming(fetch('./espalier/kernels/espalier.wasm')))
      const [images, labels] = [await bytes('train-images.u8'), await bytes('train-labels.u8')]
      const samples = { count: labels.length, images, labels }
      const shape = { name: 'mnist', image: [1, 28, 28], classes: 10, mean: [0.1307], std: [0.3081] }
      const data = { ...shape, train: samples, test: samples }
      postMessage(await (${both})(espalier, machine, data))`)

    const whole = { ...data, test: data.train }
    const here = await both(
      {
        encodeSafetensors,
        findModel,
        globalSparseMomentum,
        keepTop,
        Network,
        prune,
        RewiringHook,
        rewirings,
        train,
        weightsOf,
      },
      wasm,
      whole,
    )
    expect(found.losses).toEqual(here.losses)
    expect(new Set(here.losses).size).toBe(8)
    expect(here.moved).toBeGreaterThan(0)
    expect(found.digest).toBe(sha256([here.file]))
  }, 60_000)
})

interface Entry {
  encodeSafetensors: typeof encodeSafetensors
  findModel: typeof findModel
  globalSparseMomentum: typeof globalSparseMomentum
  keepTop: typeof keepTop
  Network: typeof Network
  prune: typeof prune
  RewiringHook: typeof RewiringHook
  rewirings: typeof rewirings
  train: typeof train
  weightsOf: typeof weightsOf
}

/** Runs in both: four steps of GSM, then four of the network that it leaves, rewired after each two. */
async function both(espalier: Entry, machine: typeof wasm, data: Dataset) {
  const model = espalier.findModel('lenet-300-100')
  const losses: number[] = []
  const options = { epochs: 1, schedule: { kind: 'constant', base: 0.05 }, optimizer: { momentum: 0.9 } } as const
  const onStep = ({ sums }: { sums: { loss: number } }) => void losses.push(sums.loss)
  const stop = (steps: number) => {
    const control = new AbortController()
    return { signal: control.signal, hook: { atStep: (step: number) => step === steps && control.abort() } }
  }
  const rules = [espalier.globalSparseMomentum(20_000)]
  const gsm = new espalier.Network({ machine, model, data, batch: 128, rules })
  const four = stop(4)
  await espalier.train(gsm, { ...options, hooks: [four.hook as never], signal: four.signal, onStep })
  espalier.keepTop(gsm, 20_000)

  const network = new espalier.Network({ machine, model, data, batch: 128, denseGradients: true, kernels: 'auto' })
  espalier.prune(network, { sparsity: 0.9 })
  let moved = 0
  const hook = new espalier.RewiringHook({
    rewiring: espalier.rewirings.rigl.make({ seed: 0 }),
    gradients: 'batch',
    schedule: { start: 0, end: 9, period: () => 2 },
    rate: () => 0.05,
    seed: 0,
    onEvent: ({ grown }) => {
      moved += grown
    },
  })
  const again = stop(4)
  await espalier.train(network, { ...options, hooks: [hook, again.hook as never], signal: again.signal, onStep })
  const files = [gsm, network].map((one) => espalier.encodeSafetensors(espalier.weightsOf(one)))
  const file = new Uint8Array(files[0].length + files[1].length)
  file.set(files[0])
  file.set(files[1], files[0].length)
  return { file, losses, moved }
}
