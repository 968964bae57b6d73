/** @file The worker that trains LeNet-300-100 on MNIST, and prunes it while it trains. */
import wasm from '../../kernels/espalier.wasm?url'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { UserError } from '../../src/util/errors.ts'
import { encodeSafetensors, findModel, gradualPruning, Network, train, weightsOf } from '../../src/web-train.ts'
import { mnist } from '../work/mnist.ts'
import type { News, Order } from './protocol.ts'

const port = globalThis as unknown as {
  postMessage(news: News): void
  onmessage: (event: MessageEvent<Order>) => void
}

/** The recipe `quickstart`, on fewer images for half as many epochs; times in epochs. */
const EPOCHS = 10
const TIMES = { drop: 4, start: 4.5, end: 8.5 }
const EVERY = 25
/** Hidden units whose weights are shown, and milliseconds between pictures. */
const UNITS = 40
const PAUSE = 150

let control = new AbortController()

port.onmessage = async ({ data }) => {
  if (data.what === 'stop') return control.abort()
  control = new AbortController()
  try {
    await run(data.sparsity, control.signal)
  } catch (error) {
    const { message } = error as Error
    port.postMessage({ what: 'error', message: error instanceof UserError ? message : `an internal error: ${message}` })
  }
}

async function run(sparsity: number, signal: AbortSignal): Promise<void> {
  const [machine, data] = await Promise.all([WebAssembly.compileStreaming(fetch(wasm)).then(wasmMachine), mnist()])
  const model = findModel('lenet-300-100')
  const network = new Network({ machine, model, data, batch: 128, init: 'xavier-uniform' })
  const perEpoch = network.stepsPerEpoch
  const steps = EPOCHS * perEpoch
  const [start, end] = [TIMES.start, TIMES.end].map((epochs) => Math.round(epochs * perEpoch))
  const [first] = network.prunable
  let zeros = 0
  const began = performance.now()
  let told = 0
  await train(network, {
    epochs: EPOCHS,
    schedule: { kind: 'steps', base: 0.1, warmup: perEpoch, drops: [TIMES.drop * perEpoch] },
    optimizer: { momentum: 0.9, nesterov: true, weightDecay: 1e-4 },
    hooks: [
      gradualPruning({
        schedule: { kind: 'cubic', sparsity, start, end, every: EVERY },
        after: (_step, _target, result) => {
          zeros = result.sparsity
        },
      }),
    ],
    onStep: ({ step, sums }) => {
      const now = performance.now()
      if (sums.samples === 0 || now - told < PAUSE) return
      told = now
      const weights = Float32Array.from(network.values(first.name).subarray(0, UNITS * 28 * 28))
      const samplesPerSecond = (1000 * step * network.batch) / (now - began)
      const loss = sums.loss / sums.samples
      port.postMessage({ what: 'moment', moment: { step, steps, loss, sparsity: zeros, samplesPerSecond, weights } })
    },
    onEpoch: ({ step }) => port.postMessage({ what: 'epoch', step, accuracy: network.evaluate('test').accuracy }),
    signal,
  })
  port.postMessage({
    what: 'end',
    accuracy: network.evaluate('test').accuracy,
    sparsity: zeros,
    seconds: (performance.now() - began) / 1000,
    stopped: signal.aborted,
    file: encodeSafetensors(weightsOf(network)) as Uint8Array<ArrayBuffer>,
  })
}
