/**
 * @file The whole numbers that the weights of a layer are multiples of, and what its sums need besides, so
 * that they are exact in 32 bits.
 *
 *     y = sum (x_k - zero) w_k + b = (sum x_k w_k) + offset,    offset = b - zero sum w_k    over all k
 */
import { sizeOf, type Tensor } from '../../graph/tensor.ts'

export interface WholeWeights {
  /** In the order of the weight, from -128 to 127. */
  whole: Int8Array
  /**
   * Of each output, what a product of whole numbers stands for: the scale of the input times that of the
   * weight.
   */
  factors: Float32Array
  /** Of each output, what is added to the sum of its products. */
  offsets: Int32Array
}

type Values = { values: ReadonlyMap<string, ArrayLike<number>> }

/** Whole numbers that single precision holds. */
const EXACT = 2 ** 24
const MOST_SUM = 2 ** 31 - 1

/**
 * The whole numbers of a layer whose input stands for (x - zero) scale. Undefined where its weights are no
 * multiples from -128 to 127 of the tensor's steps, its bias none of the scales' products, or where a sum may
 * leave 32 bits.
 */
export function wholeWeights(
  weight: Tensor,
  bias: Tensor | undefined,
  { scale, zero }: { scale: number; zero: number },
  { values }: Values,
): WholeWeights | undefined {
  const reals = values.get(weight.name)
  const { steps } = weight
  if (!reals || !steps) return undefined
  const [outputs] = weight.shape
  const inner = sizeOf(weight.shape) / outputs
  const whole = new Int8Array(reals.length)
  const factors = new Float32Array(outputs)
  const offsets = new Int32Array(outputs)
  const added = bias && biasValues(bias, values)
  for (let o = 0; o < outputs; o++) {
    const step = Math.fround(steps[steps.length === 1 ? 0 : o])
    factors[o] = Math.fround(Math.fround(scale) * step)
    let [sum, most] = [0, 0]
    for (let e = o * inner; e < (o + 1) * inner; e++) {
      const value = wholeOf(reals[e], step)
      if (value === undefined || value < -128 || value > 127) return undefined
      whole[e] = value
      sum += value
      most += Math.abs(value)
    }
    const b = bias ? wholeOf(added?.[o] ?? Number.NaN, factors[o]) : 0
    if (b === undefined || Math.abs(b) > EXACT || 255 * most + Math.abs(b) > MOST_SUM) return undefined
    offsets[o] = b - zero * sum
  }
  return { whole, factors, offsets }
}

/** The whole number that a real one is a multiple of, up to the rounding of scales and products. */
function wholeOf(real: number, step: number): number | undefined {
  if (real === 0) return 0
  const whole = Math.round(real / step)
  return Math.abs(real - whole * step) <= 2 ** -22 * Math.abs(real) ? whole : undefined
}

function biasValues({ name, values, shape }: Tensor, known: Values['values']): ArrayLike<number> | undefined {
  if (typeof values === 'number') return Array(sizeOf(shape)).fill(values)
  return values ?? known.get(name)
}
