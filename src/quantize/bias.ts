/**
 * @file Bias correction (Nagel et al. 2019): weights that are rounded by themselves shift the mean of a
 * layer's outputs by (W - Q) E[x], x what goes into it, which its bias takes over. The mean is that over
 * samples and places of an input channel; what padding adds at borders is left out of account. GPTQ needs
 * none of it: the mean of x is part of X X'.
 */
import type { Floats } from '../engine/machine.ts'
import type { QuantizedLayer } from './weights.ts'

/**
 * (W - Q) E[x], a number for each output, of weights `before` in the order of the tensor; `mean`: of all
 * input channels, or inputs. The columns of a convolution are channels, each with its taps.
 */
export function shiftOf({ matrix, values }: QuantizedLayer, before: Floats, mean: ArrayLike<number>): Float64Array {
  const { rows, columns, groups, transposed } = matrix
  const perGroup = mean.length / groups
  const taps = columns / perGroup
  return Float64Array.from({ length: rows }, (_, row) => {
    const first = Math.floor(row / (rows / groups)) * perGroup
    let sum = 0
    for (let i = 0; i < columns; i++) {
      const at = transposed ? i * rows + row : row * columns + i
      sum += (before[at] - values[at]) * mean[first + Math.floor(i / taps)]
    }
    return sum
  })
}
