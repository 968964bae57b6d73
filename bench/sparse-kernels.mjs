// The passes of single layers on one thread, sparse at several densities beside dense: what the table of costs in src/engine/cost.ts is read off.
import { markdownTable } from 'markdown-table'
import { sparseGain } from '../dist/engine/cost.js'
import { layerSizes } from '../dist/engine/lowering/sparse.js'
import { writePattern } from '../dist/engine/pattern.js'
import { conv } from '../dist/graph/operators/conv.js'
import { mul } from '../dist/graph/operators/elementwise.js'
import { gemm } from '../dist/graph/operators/linear.js'
import { reduceSum } from '../dist/graph/operators/shape.js'
import { patternNames, sparsify } from '../dist/graph/sparsify.js'
import { compile, differentiate, Graph, openMachine, random } from '../dist/index.js'
import { appendSgd } from '../dist/optim/sgd.js'

/** [name, channels in, out, rows and columns of the input, kernel, stride, batch] */
const shapes = [
  ['3x3, 16 x 32²', 16, 16, 32, 3, 1, 128],
  ['3x3, 32 x 16²', 32, 32, 16, 3, 1, 128],
  ['3x3, 64 x 8²', 64, 64, 8, 3, 1, 128],
  ['3x3, stride 2, 16 x 32² to 32', 16, 32, 32, 3, 2, 128],
  ['5x5, 32 x 8² to 64', 32, 64, 8, 5, 1, 128],
  ['3x3, 256 x 14², batch 32', 256, 256, 14, 3, 1, 32],
  ['1x1, 256 x 14², batch 32', 256, 256, 14, 1, 1, 32],
  ['linear, 784 to 300', 784, 300, 0, 1, 1, 128],
  ['linear, 300 to 100', 300, 100, 0, 1, 1, 128],
]
const DENSITIES = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
const PASSES = /^(sparse_)?conv|^gemm$/

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

/** Milliseconds of the three passes; with positions, of those alone. */
function time(machine, shape, positions) {
  const graph = passes(shape)
  const held = { capacity: positions?.length, states: ['weight.momentum'] }
  const executable = compile(machine, { step: positions ? sparsify(graph, new Map([['weight', held]])) : graph })
  if (positions) {
    const pattern = Object.entries(patternNames('weight')).map(([key, name]) => [key, executable.integers(name)])
    writePattern(Object.fromEntries(pattern), graph.tensors.get('weight').shape, positions)
  }
  const kernels = executable.profile('step', 15).filter(({ kernel }) => PASSES.test(kernel))
  return kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
}

export async function sparseKernels() {
  const machine = await openMachine({ engine: 'native', threads: 1 })
  const rows = shapes.map((shape) => {
    const graph = passes(shape)
    const node = graph.nodes.find(({ inputs }) => inputs[1] === graph.tensors.get('weight'))
    const size = graph.tensors.get('weight').shape.reduce((a, b) => a * b)
    const dense = time(machine, shape)
    const gains = DENSITIES.map((density) => {
      const rng = random(1, 'positions', density)
      const positions = Int32Array.from({ length: size }, (_, i) => i).filter(() => rng.uniform() < density)
      const gain = dense / time(machine, shape, positions)
      return `${gain.toFixed(1)} (${sparseGain(layerSizes(node), density).toFixed(1)})`
    })
    return [shape[0], dense.toFixed(2), ...gains]
  })
  const head = ['', 'dense, ms', ...DENSITIES.map((density) => `${100 * density} %`)]
  const table = markdownTable([head, ...rows], { align: ['l', ...rows[0].slice(1).map(() => 'r')] })
  return `## Layers

Forward pass, input gradient and weight gradient of one layer, one thread, batch 128 where nothing else is said: how many times faster than dense they are on sparse
kernels with so many of the weights left, and in parentheses what the table of costs says, which \`--kernels auto\` decides by.

${table}`
}
