// The passes of single layers on one thread, sparse at several densities beside dense, and what the table of
// costs of the instruction set expects.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { sparseGain } from '../dist/engine/cost.js'
import { costsOf } from '../dist/engine/costs/index.js'
import { layerSizes } from '../dist/engine/lowering/sparse.js'
import { writePattern } from '../dist/engine/pattern.js'
import { conv } from '../dist/graph/operators/conv.js'
import { mul } from '../dist/graph/operators/elementwise.js'
import { gemm } from '../dist/graph/operators/linear.js'
import { reduceSum } from '../dist/graph/operators/shape.js'
import { patternNames, sparsify } from '../dist/graph/sparsify.js'
import { compile, differentiate, Graph } from '../dist/graph.js'
import { openMachine, random } from '../dist/index.js'
import { appendSgd } from '../dist/optim/sgd.js'
import { roundsOf } from './contender.mjs'
import { machineText, milliseconds, percent } from './report.mjs'
import { boundText, floorOf, peaksOf, peaksText } from './roofline.mjs'

/**
 * [name, channels in, out, rows and columns of the input, kernel, stride, batch] by the networks that have
 * them
 */
const networks = {
  'ResNet-20': [
    ['3x3, 16 x 32²', 16, 16, 32, 3, 1, 128],
    ['3x3, 32 x 16²', 32, 32, 16, 3, 1, 128],
    ['3x3, 64 x 8²', 64, 64, 8, 3, 1, 128],
    ['3x3, stride 2, 16 x 32² to 32', 16, 32, 32, 3, 2, 128],
    ['3x3, stride 2, 32 x 16² to 64', 32, 64, 16, 3, 2, 128],
  ],
  'WRN-28-2': [
    ['3x3, 16 x 32² to 32', 16, 32, 32, 3, 1, 128],
    ['3x3, 32 x 32²', 32, 32, 32, 3, 1, 128],
    ['3x3, stride 2, 32 x 32² to 64', 32, 64, 32, 3, 2, 128],
    ['3x3, 64 x 16²', 64, 64, 16, 3, 1, 128],
    ['3x3, stride 2, 64 x 16² to 128', 64, 128, 16, 3, 2, 128],
    ['3x3, 128 x 8²', 128, 128, 8, 3, 1, 128],
  ],
  'ResNet-18 (CIFAR)': [
    ['3x3, 64 x 32², batch 32', 64, 64, 32, 3, 1, 32],
    ['3x3, stride 2, 64 x 32² to 128, batch 32', 64, 128, 32, 3, 2, 32],
    ['3x3, 128 x 16², batch 32', 128, 128, 16, 3, 1, 32],
    ['3x3, stride 2, 128 x 16² to 256, batch 32', 128, 256, 16, 3, 2, 32],
    ['3x3, 256 x 8², batch 32', 256, 256, 8, 3, 1, 32],
    ['3x3, stride 2, 256 x 8² to 512, batch 32', 256, 512, 8, 3, 2, 32],
    ['3x3, 512 x 4², batch 32', 512, 512, 4, 3, 1, 32],
  ],
  'LeNet-300-100': [
    ['linear, 784 to 300', 784, 300, 0, 1, 1, 128],
    ['linear, 300 to 100', 300, 100, 0, 1, 1, 128],
    ['linear, 100 to 10', 100, 10, 0, 1, 1, 128],
  ],
  Others: [
    ['5x5, 32 x 8² to 64', 32, 64, 8, 5, 1, 128],
    ['3x3, 256 x 14², batch 32', 256, 256, 14, 3, 1, 32],
    ['1x1, 256 x 14², batch 32', 256, 256, 14, 1, 1, 32],
  ],
}
const DENSITIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
/** What floors are given at. */
const FLOOR_DENSITY = 0.05
const PASSES = /^(sparse_)?conv|^gemm$/

/**
 * Backward passes of single layers on one core, as often as fast as dense ones, as SparseProp (Nikdan et al.
 * 2023) reports them beside PyTorch's dense kernels on a processor of theirs. @type {[shape: (string |
 * number)[], density: number, published: string][]}
 */
const sparseProp = [
  [['linear, 768 to 3072, batch 902', 768, 3072, 0, 1, 1, 902], 0.1, 'about 1'],
  [['linear, 768 to 3072, batch 902', 768, 3072, 0, 1, 1, 902], 0.01, '5'],
  [['3x3, 128 x 7² to 256, batch 8', 128, 256, 7, 3, 1, 8], 0.01, '19'],
]
const isBackward = ({ kernel }, index) => kernel.includes('grad') || (kernel === 'gemm' && index > 0)

/** The three passes over one layer, and an update of its weight. */
function passes([, channels, out, size, kernel, stride, batch]) {
  const forward = new Graph()
  const map = size ? [size, size] : []
  const x = forward.input('x', [batch, channels, ...map])
  const weight = forward.parameter('weight', [out, channels, ...(size ? [kernel, kernel] : [])])
  const pad = kernel >> 1
  const options = { strides: [stride, stride], pads: [pad, pad, pad, pad] }
  const y = size ? conv(forward, x, weight, undefined, options) : gemm(forward, x, weight, { transB: 1 })
  const axes = y.shape.map((_, i) => i)
  const sum = reduceSum(forward, mul(forward, y, forward.input('dy', y.shape)), axes, 0)
  forward.output('y', y)
  const { graph, gradients } = differentiate(forward, sum, [weight, x])
  graph.output('dx', gradients[1])
  appendSgd(graph, [weight], [gradients[0]], () => undefined)
  return graph
}

/**
 * The calls of the three passes, forward first, with their milliseconds; with positions, on sparse kernels.
 */
function callsOf(machine, shape, positions) {
  const graph = passes(shape)
  const held = { capacity: positions?.length, states: ['weight.momentum'] }
  const executable = compile(machine, { step: positions ? sparsify(graph, new Map([['weight', held]])) : graph })
  if (positions) {
    const pattern = Object.entries(patternNames('weight')).map(([key, name]) => [key, executable.integers(name)])
    writePattern(Object.fromEntries(pattern), graph.tensors.get('weight').shape, positions)
  }
  return executable.profile('step', roundsOf(15)).filter(({ kernel }) => PASSES.test(kernel))
}

const time = (calls) => calls.reduce((sum, { milliseconds }) => sum + milliseconds, 0)

function randomPositions(size, density) {
  const rng = random(1, 'positions', density)
  return Int32Array.from({ length: size }, (_, i) => i).filter(() => rng.uniform() < density)
}

const weightSize = ([, channels, out, size, kernel]) => channels * out * (size ? kernel * kernel : 1)

/** A row: dense time, gains by density, and the floor at one of them with what bounds it. */
function row(machine, peaks, shape) {
  const graph = passes(shape)
  const node = graph.nodes.find(({ inputs }) => inputs[1] === graph.tensors.get('weight'))
  const dense = time(callsOf(machine, shape))
  const floor = []
  const gains = DENSITIES.map((density) => {
    const calls = callsOf(machine, shape, randomPositions(weightSize(shape), density))
    if (density === FLOOR_DENSITY) {
      const least = floorOf(
        calls.map(({ instruction }) => instruction),
        peaks,
      )
      floor.push(milliseconds(time(calls)), milliseconds(least.total), boundText(least))
    }
    return `${(dense / time(calls)).toFixed(1)} (${sparseGain(layerSizes(node), density, 'step', costsOf(machine)).toFixed(1)})`
  })
  return [shape[0], milliseconds(dense), ...gains, ...floor]
}

function besideSparseProp(machine) {
  const rows = sparseProp.map(([shape, density, published]) => {
    const dense = time(callsOf(machine, shape).filter(isBackward))
    const sparse = time(callsOf(machine, shape, randomPositions(weightSize(shape), density)).filter(isBackward))
    return [
      shape[0],
      percent(1 - density),
      milliseconds(dense),
      milliseconds(sparse),
      (dense / sparse).toFixed(1),
      published,
    ]
  })
  const head = ['backward pass', 'zeros', 'dense, ms', 'sparse, ms', 'ratio', "SparseProp's"]
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })
}

export async function benchSparseKernels(out) {
  const machine = await openMachine({ engine: 'native', threads: 1 })
  const peaks = await peaksOf(1)
  const floors = ['ms', 'floor, ms', 'bound by'].map((text) => `${text} at ${percent(FLOOR_DENSITY)}`)
  const head = ['', 'dense, ms', ...DENSITIES.map((density) => percent(density)), ...floors]
  const align = ['l', ...head.slice(1, -1).map(() => 'r'), 'l']
  const tables = Object.entries(networks).map(
    ([name, shapes]) =>
      `## ${name}\n\n${markdownTable([head, ...shapes.map((shape) => row(machine, peaks, shape))], { align })}`,
  )
  const report = `# Layers on sparse kernels

Measured with \`npm run bench sparse-kernels\` on ${machineText()}: ${machine.description}. Forward pass, input gradient and weight gradient of one layer, batch 128 where nothing else is said: how many times faster
than dense they are on sparse kernels with so many of the weights left, and in parentheses what the table of costs says, which \`--kernels auto\` decides by. Every call is
run alone, medians of 15. The floor is that of counted FLOPs or of counted bytes (every operand of a call once), at the peaks measured in the same run: ${peaksText(peaks)} of
main memory. Operands that a cache still holds move faster.

${tables.join('\n\n')}

## Beside SparseProp

Backward passes (both gradients) on one core. SparseProp's ratios (Nikdan et al. 2023) are over PyTorch's dense kernels on a processor with AVX2 of theirs, ours over our own dense kernels here.

${besideSparseProp(machine)}
`
  writeFileSync(out, report)
  console.log(report)
}
