// One ResNet-20 training step (CIFAR, batch 128): this engine beside PyTorch, and how much of the machine's arithmetic peak each kind of
// convolution reaches.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { call } from '../dist/engine/kernel.js'
import * as kernels from '../dist/engine/kernels/conv.js'
import { takeTurns } from './contender.mjs'
import { PLACES, ratesOf, trainingSteps } from './espalier.mjs'
import { bestPyTorch, missingPyTorch } from './pytorch.mjs'
import { rateTable, stepTable } from './report.mjs'

const BATCH = 128
/** Forward multiply-adds of ResNet-20 per image: 3x3 convolutions, two 1x1 shortcuts, the classifier; a step is three times that, less the first layer's input gradient. */
const STEM = 432 * 1024
const MACS = STEM + 6 * 2304 * 1024 + (4608 + 5 * 9216) * 256 + (18432 + 5 * 36864) * 64 + 512 * 256 + 2048 * 64 + 640
const FLOPS = 2 * BATCH * (3 * MACS - STEM)

/** [name, channels in, out, rows and columns, kernel, batch, groups] */
const shapes = [
  ['3x3, 16 x 32²', 16, 16, 32, 3, BATCH, 1],
  ['3x3, 32 x 16²', 32, 32, 16, 3, BATCH, 1],
  ['3x3, 64 x 8²', 64, 64, 8, 3, BATCH, 1],
  ['3x3, 256 x 14², batch 32', 256, 256, 14, 3, 32, 1],
  ['1x1, 256 x 14², batch 32', 256, 256, 14, 1, 32, 1],
  ['depthwise 3x3, 256 x 14², batch 32', 1, 1, 14, 3, 32, 256],
]

const cases = shapes.flatMap(([name, channels, out, size, kernel, batch, groups]) => {
  const pad = kernel >> 1
  const sizes = {
    ...{ batch, groups, in: channels, out, h: size, w: size, oh: size, ow: size, kh: kernel, kw: kernel },
    ...{ sy: 1, sx: 1, dy: 1, dx: 1, top: pad, left: pad },
  }
  const flops = 2 * batch * groups * channels * out * size * size * kernel * kernel
  const { first, second, third } = PLACES
  const none = { bias: 0, hasBias: 0, relu: 0 }
  return [
    [`${name}: forward`, call(kernels.conv, { ...sizes, x: first, weight: second, y: third, ...none })],
    [
      `${name}: input gradient`,
      call(kernels.convInputGrad, { ...sizes, gradient: first, weight: second, dinput: third }),
    ],
    [
      `${name}: weight gradient`,
      call(kernels.convWeightGrad, { ...sizes, x: first, gradient: second, dweight: third }),
    ],
    [
      `${name}: sum of squares over samples`,
      call(kernels.convSampleGrads, { ...sizes, x: first, gradient: second, dweight: third, squares: 1 }),
    ],
  ].map(([label, instruction]) => ({ name: label, flops, instruction }))
})

export async function benchConv(out) {
  const notes = []
  const contenders = [
    await trainingSteps('resnet20', BATCH, { engine: 'native', threads: 1 }),
    await trainingSteps('resnet20', BATCH, { engine: 'native', threads: 2 }),
    await trainingSteps('resnet20', BATCH, { engine: 'wasm' }),
  ]
  const { persistent, temporary } = contenders[0].memory
  const missing = missingPyTorch()
  if (missing) notes.push(`PyTorch was skipped: ${missing}.`)
  else
    for (const threads of [1, 2]) {
      const contender = await bestPyTorch('pytorch-resnet20.py', threads, 1, [''])
      contenders.push(contender)
      notes.push(`${contender.name}: ${contender.used}.`)
    }
  const times = await takeTurns(contenders, { rounds: 5, seconds: 1 })
  const rates = [...(await ratesOf(1, cases)), ...(await ratesOf(2, cases))]

  const report = `# One training step of ResNet-20

Measured with \`npm run bench conv\` on ${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}. CIFAR shapes, batch 128, float32, SGD with momentum 0.9 and
weight decay; ${(FLOPS / 1e9).toFixed(1)} GFLOP of convolutions per step. Contenders take turns, ${times[0].values.length} rounds after a warm-up; medians of rounds, ratios round by round. Espalier's
step also gathers and normalizes its batch from a data set of bytes and counts hits; PyTorch's input is ready in memory. PyTorch is listed with the fastest of several
settings (threads of OpenBLAS and OpenMP, active or passive waiting; its convolutions are oneDNN's, so OpenBLAS's core type is left alone) and
stopped between its turns.

${stepTable(contenders, times, FLOPS)}

Memory of Espalier's step: ${((persistent * 4) / 1e6).toFixed(1)} MB of parameters, states and data, ${((temporary * 4) / 1e6).toFixed(1)} MB of values that live during a step.

## Convolutions

The peak is measured by a kernel of register multiply-adds in the same turns. Multiply-adds at the zero border count as work.

${rateTable(rates)}
${notes.length ? `\n${notes.join('\n')}\n` : ''}`
  writeFileSync(out, report)
  console.log(report)
}
