// One LeNet-300-100 training step (forward, backward, update) at batch 128: this engine beside PyTorch, with ONNX Runtime's
// inference as a floor, and how much of the machine's arithmetic peak the matrix products reach.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { markdownTable } from 'markdown-table'
import { call } from '../dist/engine/kernel.js'
import { gemm } from '../dist/engine/kernels/gemm.js'
import { peak } from '../dist/engine/kernels/peak.js'
import { Program } from '../dist/engine/program.js'
import { findModel, Network, openMachine, synthetic } from '../dist/index.js'
import { HYPER, hyperValues } from '../dist/optim/sgd.js'
import { median, takeTurns, timed, timedSync } from './contender.mjs'
import { mlpModel } from './onnx-model.mjs'
import { bestPyTorch, missingPyTorch } from './pytorch.mjs'

const BATCH = 128
/** Multiply-adds count twice. The first layer needs no input gradient. */
const FLOPS = 2 * BATCH * (3 * (784 * 300 + 300 * 100 + 100 * 10) - 784 * 300)

async function engine(options) {
  const machine = await openMachine(options)
  const data = synthetic({ train: 4 * BATCH, test: 1 })
  const network = new Network({ machine, model: findModel('lenet-300-100'), data, batch: BATCH })
  network.executable.view(HYPER).set(hyperValues(0.01, { momentum: 0.9, weightDecay: 1e-4 }))
  const samples = Uint32Array.from({ length: BATCH }, (_, i) => i)
  return { name: `espalier ${machine.description}`, run: (steps) => timedSync(steps, () => network.step(samples)) }
}

async function onnxRuntime(threads) {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(mlpModel([784, 300, 100, 10], BATCH), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  })
  const x = new Tensor('float32', Float32Array.from({ length: BATCH * 784 }, Math.random), [BATCH, 784])
  return {
    name: `ONNX Runtime, inference only, ${threads} thread${threads > 1 ? 's' : ''}`,
    run: (steps) => timed(steps, () => session.run({ x })),
  }
}

/** The arithmetic peak and the rate of matrix products, in GFLOP/s, turn by turn so that each has the clock of the other. */
async function rates(threads) {
  const machine = await openMachine({ engine: 'native', threads })
  const shapes = {
    '1024 x 1024 x 128': [1024, 128, 1024],
    'layer 1 forward': [300, 128, 784],
    'layer 1 weight gradient': [300, 784, 128],
  }
  const arena = machine.allocate(3 * 2 ** 20 + 1024)
  arena.floats.forEach((_, i) => {
    arena.floats[i] = Math.random()
  })
  const rounds = 400_000
  const peakProgram = Program.assemble([call(peak, { rounds, y: 0 })], arena.floats.length)
  const contenders = [{ name: 'peak', run: (n) => timedSync(n, () => arena.run(peakProgram)) }]
  for (const [name, [m, n, k]] of Object.entries(shapes)) {
    const transposed = name.endsWith('gradient')
    const b = transposed ? { bOuter: k, bDepth: 1 } : { bOuter: 1, bDepth: n }
    const places = { a: 1024, b: 1024 + 2 ** 20, c: 1024 + 2 * 2 ** 20 }
    const args = { m, n, k, aOuter: k, aDepth: 1, ...b, ...places, bias: 0, biasKind: 0, relu: 0 }
    const program = Program.assemble([call(gemm, args)], arena.floats.length)
    contenders.push({ name, flops: 2 * m * n * k, run: (steps) => timedSync(steps, () => arena.run(program)) })
  }
  const times = await takeTurns(contenders, { rounds: 15, seconds: 0.1 })
  arena.run(peakProgram)
  const peakFlops = arena.floats[0] * rounds * threads
  const peakRates = times[0].values.map((ms) => peakFlops / ms / 1e6)
  return {
    peak: median(peakRates),
    products: contenders.slice(1).map(({ name, flops }, i) => {
      const own = times[i + 1].values.map((ms) => flops / ms / 1e6)
      return { name, rate: median(own), share: median(own.map((rate, round) => rate / peakRates[round])) }
    }),
  }
}

export async function benchMlp(out) {
  const notes = []
  const contenders = [
    await engine({ engine: 'native', threads: 1 }),
    await engine({ engine: 'native', threads: 2 }),
    await engine({ engine: 'wasm' }),
  ]
  const missing = missingPyTorch()
  if (missing) notes.push(`PyTorch was skipped: ${missing}.`)
  else
    for (const threads of [1, 2]) {
      const contender = await bestPyTorch('pytorch-mlp.py', threads)
      contenders.push(contender)
      notes.push(`${contender.name}: ${contender.used}.`)
    }
  for (const threads of [1, 2]) contenders.push(await onnxRuntime(threads))

  const times = await takeTurns(contenders)
  const byName = new Map(contenders.map(({ name }, i) => [name, times[i]]))
  const pytorch = contenders.map(({ name }) => name).filter((name) => name.startsWith('PyTorch'))
  const bestName = pytorch.sort((a, b) => byName.get(a).median - byName.get(b).median)[0]
  const best = bestName && byName.get(bestName)
  const rows = contenders.map(({ name }) => {
    const { median: ms, least, most, values } = byName.get(name)
    const inference = name.includes('inference')
    const ratio = best && !inference ? median(values.map((value, round) => best.values[round] / value)).toFixed(2) : ''
    return [
      name,
      ms.toFixed(3),
      `${least.toFixed(3)} to ${most.toFixed(3)}`,
      inference ? '' : (FLOPS / ms / 1e6).toFixed(0),
      ratio,
    ]
  })
  const table = markdownTable([['', 'ms per step (median)', 'range', 'GFLOP/s', `step rate / best PyTorch`], ...rows], {
    align: ['l', 'r', 'r', 'r', 'r'],
  })

  const rateRows = []
  for (const threads of [1, 2]) {
    const { peak: top, products } = await rates(threads)
    for (const { name, rate, share } of products)
      rateRows.push([`${threads}`, name, rate.toFixed(0), top.toFixed(0), `${(100 * share).toFixed(0)} %`])
  }
  const rateTable = markdownTable([['threads', 'product', 'GFLOP/s', 'peak', 'share of peak'], ...rateRows], {
    align: ['r', 'l', 'r', 'r', 'r'],
  })

  const report = `# One training step of LeNet-300-100

Measured with \`npm run bench\` on ${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}. Batch 128, float32, SGD with momentum 0.9 and weight
decay; ${(FLOPS / 1e6).toFixed(0)} MFLOP of matrix products per step. Contenders take turns, ${times[0].values.length} rounds of about 0.3 s each after a warm-up; medians of rounds, ratios round by
round. Espalier's step also gathers and normalizes its batch from a data set of bytes and counts hits; PyTorch's input is ready in
memory. PyTorch is listed with the fastest of several settings (OpenBLAS core types, threads of OpenBLAS and OpenMP, active or passive
waiting). ONNX Runtime only infers: it is listed as a floor, not as a rival.

${table}

## Matrix products

The peak is measured by a kernel of register multiply-adds in the same turns; sizes are rows x depth x samples.

${rateTable}
${notes.length ? `\n${notes.join('\n')}\n` : ''}`
  writeFileSync(out, report)
  console.log(report)
}
