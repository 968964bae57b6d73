// How much of the machine's arithmetic peak each kind of convolution reaches, by the kernels that the engine
// lowers it to.
import { conv as lowering } from '../dist/engine/lowering/conv.js'
import { Conv, ConvInputGrad, ConvSampleSquares, ConvWeightGrad } from '../dist/graph/operators/conv.js'
import { Graph } from '../dist/graph.js'
import { PLACES, ratesOf } from './espalier.mjs'
import { rateTable } from './report.mjs'

/** [name, channels in, out, rows and columns, kernel, batch, groups] */
const shapes = [
  ['3x3, 16 x 32²', 16, 16, 32, 3, 128, 1],
  ['3x3, 32 x 16²', 32, 32, 16, 3, 128, 1],
  ['3x3, 64 x 8²', 64, 64, 8, 3, 128, 1],
  ['3x3, 256 x 14², batch 32', 256, 256, 14, 3, 32, 1],
  ['1x1, 256 x 14², batch 32', 256, 256, 14, 1, 32, 1],
  ['depthwise 3x3, 256 x 14², batch 32', 256, 256, 14, 3, 32, 256],
]

const cases = shapes.flatMap(([name, channels, out, size, kernel, batch, groups]) => {
  const graph = new Graph()
  const x = graph.input('x', [batch, channels, size, size])
  const dy = graph.input('dy', [batch, out, size, size])
  const weight = graph.state('weight', [out, channels / groups, kernel, kernel])
  const pad = kernel >> 1
  const options = { pads: [pad, pad, pad, pad], group: groups }
  graph.apply(Conv, [x, weight], options)
  graph.apply(ConvInputGrad, [dy, weight], { ...options, shape: x.shape })
  graph.apply(ConvWeightGrad, [x, dy], { ...options, shape: weight.shape })
  graph.apply(ConvSampleSquares, [x, dy], { ...options, shape: weight.shape })
  const what = ['forward', 'input gradient', 'weight gradient', 'sum of squares over samples']
  const flops = 2 * batch * out * (channels / groups) * (size * kernel) ** 2
  return graph.nodes.map((node, i) => {
    const places = new Map([...node.inputs, ...node.outputs].map((tensor, at) => [tensor, Object.values(PLACES)[at]]))
    const [instruction] = lowering[node.operator.name].emit(node, (tensor) => places.get(tensor))
    return { name: `${name}: ${what[i]}`, flops, instruction }
  })
})

export async function convKernels() {
  const rates = [...(await ratesOf(1, cases)), ...(await ratesOf(2, cases))]
  return `## Convolutions

The peak is measured by a kernel of register multiply-adds in the same turns. Work is counted as in the direct sum, with multiply-adds at the zero border:
Winograd's algorithm, which most 3x3 convolutions take, multiplies 2.25 times less, so that more than 100 % is possible.

${rateTable(rates)}`
}
