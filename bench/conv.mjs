// ResNet-20 (CIFAR, batch 128): training steps beside PyTorch, inference beside ONNX Runtime and
// TensorFlow.js, what data and gradients by sample cost, and how much of the machine's arithmetic peak each
// kind of convolution reaches.
import { writeFileSync } from 'node:fs'
import { takeTurns } from './contender.mjs'
import { convKernels } from './conv-kernels.mjs'
import { dataWait } from './data-wait.mjs'
import { trainingSteps } from './espalier.mjs'
import { inferences } from './inference.mjs'
import { perSampleCost } from './per-sample.mjs'
import { pyTorchContenders } from './pytorch.mjs'
import { machineText, ratioList, stepTable } from './report.mjs'
import { BATCH, MODEL, STEP_FLOPS } from './resnet20.mjs'

const pairs = [
  ['native, 2 threads over 1', 'native 2', 'native 1'],
  ['native over WebAssembly, 1 thread', 'native 1', 'wasm'],
  ['native over PyTorch, 1 thread', 'native 1', 'pytorch 1'],
  ['native over PyTorch, 2 threads', 'native 2', 'pytorch 2'],
]

async function training(notes) {
  const contenders = [
    await trainingSteps(MODEL, BATCH, { engine: 'native', threads: 1 }),
    await trainingSteps(MODEL, BATCH, { engine: 'native', threads: 2 }),
    await trainingSteps(MODEL, BATCH, { engine: 'wasm' }),
    ...(await pyTorchContenders('pytorch-resnet20.py', notes, { steps: 1, coreTypes: [''] })),
  ]
  const { persistent, temporary } = contenders[0].memory
  const times = await takeTurns(contenders, { rounds: 5, seconds: 1 })
  return `## Training steps

CIFAR shapes, batch ${BATCH}, float32, SGD with momentum 0.9 and weight decay; ${(STEP_FLOPS / 1e9).toFixed(1)} GFLOP of convolutions per step, counted as in the direct sum. Contenders take turns, ${times[0].values.length} rounds
after a warm-up; medians of rounds, ratios round by round. Espalier's step also gathers and normalizes its batch from a data set of bytes and counts
hits; PyTorch's input is ready in memory. PyTorch is listed with the fastest of several settings (threads of OpenBLAS and OpenMP, active or passive
waiting; its convolutions are oneDNN's, so OpenBLAS's core type is left alone) and stopped between its turns.

${stepTable(contenders, times, { flops: STEP_FLOPS, rival: 'PyTorch' })}

Ratios of rates:

${ratioList(contenders, times, pairs)}

Memory of Espalier's step: ${((persistent * 4) / 1e6).toFixed(1)} MB of parameters, states and data, ${((temporary * 4) / 1e6).toFixed(1)} MB of values that live during a step.`
}

export async function benchConv(out) {
  const notes = []
  const sections = [
    `# ResNet-20 and convolutions\n\nMeasured with \`npm run bench conv\` on ${machineText()}.`,
    await training(notes),
    await inferences(notes),
    await dataWait(),
    await perSampleCost(),
    await convKernels(),
    notes.join('\n'),
  ]
  const report = `${sections.filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}
