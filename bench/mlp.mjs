// One LeNet-300-100 training step (forward, backward, update) at batch 128: this engine beside PyTorch, with
// ONNX Runtime's inference as a floor, and how much of the machine's arithmetic peak the matrix products
// reach.
import { writeFileSync } from 'node:fs'
import { call } from '../dist/engine/kernel.js'
import { gemm } from '../dist/engine/kernels/gemm.js'
import { takeTurns } from './contender.mjs'
import { PLACES, ratesOf, trainingSteps } from './espalier.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime } from './onnxruntime.mjs'
import { pyTorchContenders } from './pytorch.mjs'
import { machineText, rateTable, stepTable } from './report.mjs'

const MODEL = 'lenet-300-100'
const BATCH = 128
/** Multiply-adds count twice. The first layer needs no input gradient. */
const FLOPS = 2 * BATCH * (3 * (784 * 300 + 300 * 100 + 100 * 10) - 784 * 300)

/** [rows, columns, depth]; the weight gradient reads its right operand transposed. */
const products = {
  '1024 x 1024 x 128': [1024, 128, 1024],
  'layer 1 forward': [300, 128, 784],
  'layer 1 weight gradient': [300, 784, 128],
}

const cases = Object.entries(products).map(([name, [m, n, k]]) => {
  const right = name.endsWith('gradient') ? { bOuter: k, bDepth: 1 } : { bOuter: 1, bDepth: n }
  const places = { a: PLACES.first, b: PLACES.second, c: PLACES.third, bias: 0, biasKind: 0, relu: 0 }
  return { name, flops: 2 * m * n * k, instruction: call(gemm, { m, n, k, aOuter: k, aDepth: 1, ...right, ...places }) }
})

export async function benchMlp(out) {
  const notes = []
  const given = inferenceCase(MODEL, BATCH)
  const floors = [await onnxRuntime(given, 1, notes), await onnxRuntime(given, 2, notes)].filter(Boolean)
  const contenders = [
    await trainingSteps(MODEL, BATCH, { engine: 'native', threads: 1 }),
    await trainingSteps(MODEL, BATCH, { engine: 'native', threads: 2 }),
    await trainingSteps(MODEL, BATCH, { engine: 'wasm' }),
    ...(await pyTorchContenders('pytorch-mlp.py', notes)),
    ...floors.map((floor) => ({ ...floor, floor: true, name: `${floor.name}, inference only` })),
  ]

  const times = await takeTurns(contenders)
  const rates = [...(await ratesOf(1, cases)), ...(await ratesOf(2, cases))]

  const report = `# One training step of LeNet-300-100

Measured with \`npm run bench\` on ${machineText()}. Batch 128, float32, SGD with momentum 0.9 and weight
decay; ${(FLOPS / 1e6).toFixed(0)} MFLOP of matrix products per step. Contenders take turns, ${times[0].values.length} rounds of about 0.3 s each after a warm-up; medians of rounds, ratios round by
round. Espalier's step also gathers and normalizes its batch from a data set of bytes and counts hits; PyTorch's input is ready in
memory. PyTorch is listed with the fastest of several settings (OpenBLAS core types, threads of OpenBLAS and OpenMP, active or passive
waiting) and stopped between its turns. ONNX Runtime only infers: it is listed as a floor, not as a rival.

${stepTable(contenders, times, { flops: FLOPS, rival: 'PyTorch' })}

## Matrix products

The peak is measured by a kernel of register multiply-adds in the same turns; sizes are rows x depth x samples.

${rateTable(rates)}
${notes.length ? `\n${notes.join('\n')}\n` : ''}`
  writeFileSync(out, report)
  console.log(report)
}
