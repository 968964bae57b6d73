/**
 * @file How a sum ends on its way to bytes: what rectifies or clips it becomes limits of the bytes, since
 * rounding keeps the order of numbers and takes zero to the zero point.
 *
 *     quantize(clip(x, a, b)) = clip(quantize(x), quantize(a), quantize(b))
 */
import type { Node } from '../../graph/operator.ts'
import { nearest } from '../../util/functions.ts'
import { type Grid, type Links, type Quantization, scalarOf } from './chains.ts'

export interface Ending {
  grid: Grid
  /** The least and the largest byte. */
  low: number
  high: number
}

const within = (q: number, low: number, high: number) => Math.min(Math.max(q, low), high)

/** The byte that stands for a real number, without limits. */
const byteOf = (real: number, { scale, zero }: Grid) => nearest(Math.fround(real / scale)) + zero

/** The real numbers that a node keeps, if it does no more than that. */
function limitsOf({ operator, inputs }: Node): [number, number] | undefined {
  if (operator.name === 'Relu') return [0, Infinity]
  if (operator.name !== 'Clip') return undefined
  const [low, high] = inputs.slice(1).map(scalarOf)
  return low === undefined || high === undefined || !(low <= high) ? undefined : [low, high]
}

/**
 * The node whose result becomes bytes, and how it ends: nothing else reads it, or what its limits make of it.
 * Undefined where there is none.
 */
export function endingOf({ grid, x }: Quantization, links: Links): { core: Node; ending: Ending } | undefined {
  let [low, high] = [0, 255]
  let core = links.soleMaker(x)
  for (let kept = core && limitsOf(core); core && kept; kept = core && limitsOf(core)) {
    const [least, most] = kept
    ;[low, high] = [within(byteOf(least, grid), low, high), within(byteOf(most, grid), low, high)]
    core = links.soleMaker(core.inputs[0])
  }
  return core && { core, ending: { grid, low, high } }
}
