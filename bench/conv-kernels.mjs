// How much of the machine's arithmetic peak each kind of convolution reaches.
import { call } from '../dist/engine/kernel.js'
import * as kernels from '../dist/engine/kernels/conv.js'
import { PLACES, ratesOf } from './espalier.mjs'
import { rateTable } from './report.mjs'

/** [name, channels in, out, rows and columns, kernel, batch, groups] */
const shapes = [
  ['3x3, 16 x 32²', 16, 16, 32, 3, 128, 1],
  ['3x3, 32 x 16²', 32, 32, 16, 3, 128, 1],
  ['3x3, 64 x 8²', 64, 64, 8, 3, 128, 1],
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

export async function convKernels() {
  const rates = [...(await ratesOf(1, cases)), ...(await ratesOf(2, cases))]
  return `## Convolutions

The peak is measured by a kernel of register multiply-adds in the same turns. Multiply-adds at the zero border count as work.

${rateTable(rates)}`
}
