/** @file The worker that trains LeNet-300-100 on MNIST, and makes it sparse while it trains. */
import { UserError } from '../../src/util/errors.ts'
import { encodeSafetensors, weightsOf } from '../../src/web-train.ts'
import { pageMachine } from '../work/machine.ts'
import { mnist } from '../work/mnist.ts'
import { type AskedTraining, trainingOf } from '../work/train.ts'
import { VERSION } from '../work/version.ts'
import type { News, Order } from './protocol.ts'

const port = globalThis as unknown as {
  postMessage(news: News): void
  onmessage: (event: MessageEvent<Order>) => void
}

/** Hidden units whose weights are shown, and milliseconds between pictures. */
const UNITS = 40
const PAUSE = 150

let control = new AbortController()

port.onmessage = async ({ data }) => {
  if (data.what === 'stop') return control.abort()
  control = new AbortController()
  try {
    await run(data.asked, control.signal)
  } catch (error) {
    const { message } = error as Error
    port.postMessage({ what: 'error', message: error instanceof UserError ? message : `an internal error: ${message}` })
  }
}

async function run(asked: AskedTraining, signal: AbortSignal): Promise<void> {
  const [machine, data] = await Promise.all([pageMachine(), mnist()])
  const training = trainingOf(machine, data, asked)
  const { network, steps } = training
  const [first] = network.prunable
  const picture = () => Float32Array.from(network.weights.whole(first.name).subarray(0, UNITS * 28 * 28))
  const began = performance.now()
  let told = 0
  const step = await training.run({
    onStep: ({ step, sums }) => {
      const now = performance.now()
      if (sums.samples === 0 || now - told < PAUSE) return
      told = now
      const samplesPerSecond = (1000 * step * network.batch) / (now - began)
      const loss = sums.loss / sums.samples
      const sparsity = training.zeros()
      port.postMessage({
        what: 'moment',
        moment: { step, steps, loss, sparsity, samplesPerSecond, weights: picture() },
      })
    },
    onEpoch: ({ step }) => port.postMessage({ what: 'epoch', step, accuracy: network.evaluate('test').accuracy }),
    signal,
  })
  const file = weightsOf(network)
  port.postMessage({
    what: 'end',
    step,
    steps,
    method: asked.method,
    weights: picture(),
    accuracy: network.evaluate('test').accuracy,
    sparsity: training.zeros(),
    seconds: (performance.now() - began) / 1000,
    stopped: signal.aborted,
    file: encodeSafetensors({
      ...file,
      metadata: { ...file.metadata, ...facts(asked, training.zeros()) },
    }) as Uint8Array<ArrayBuffer>,
  })
}

/** What the file says of how it was made. */
const facts = ({ method }: AskedTraining, sparsity: number) => ({
  method,
  sparsity: String(sparsity),
  espalier: VERSION,
})
