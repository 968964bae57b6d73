/**
 * @file Layers in whole numbers (Jacob et al. 2018): codes times codes are summed in 32 bits, the bias among
 * them, in steps of the scale of the input times that of the weight, and rounded to the grid of the result.
 */
import type { Node } from '../../../graph/operator.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { allOf } from '../known.ts'
import { type Order, reordered, shapeIn } from '../order.ts'
import type { Flattened, Rounded, Translation } from '../translation.ts'
import { codesOf, type WeightGrid } from '../weight-grids.ts'

/** The largest code of a bias, which leaves room for the sums of products in 32 bits. */
const MOST = 2 ** 30

/** Weights and bias of a layer in whole numbers, and where its results are rounded. */
interface WholeLayer {
  inputs: readonly [weights: number, bias: number]
  rounded: Rounded
}

/**
 * A layer whose input and result have grids, and whose weights are bytes with scales along the axis
 * `outputs`; undefined where it is none. `flat`: how its input lies, where the columns of a matrix are to
 * follow that.
 */
export function wholeLayer(
  node: Node,
  to: Translation,
  order: Order,
  outputs: number,
  flat?: Flattened,
): WholeLayer | undefined {
  const [x, weight, bias] = node.inputs
  const grid = flat ? flat.grid : to.gridOf(x)
  const rounded = grid && to.roundedBy(node)
  const found = rounded && bytesOf(weight, to)
  if (!found || (found.grid.scales.length > 1 && found.grid.axis !== outputs)) return undefined
  const { scales } = found.grid
  const count = weight.shape[outputs]
  const steps = Float32Array.from({ length: count }, (_, o) => grid.scale * scales[scales.length > 1 ? o : 0])
  const offsets = bias ? to.known.get(bias) : 0
  if (offsets === undefined) return undefined
  const codes = allOf(offsets, [count]).map((value, o) => Math.round(value / steps[o]))
  if (codes.some((code) => !(Math.abs(code) <= MOST))) return undefined
  const sums = to.file.add({
    name: `${node.outputs[0].name} (bias)`,
    shape: [count],
    type: 'int32',
    data: new Uint8Array(Int32Array.from(codes).buffer),
    quantization: { scale: steps, zero_point: new Int32Array(count), quantized_dimension: 0 },
  })
  return { inputs: [storeBytes(weight, to, order, found, flat), sums], rounded }
}

interface Bytes {
  codes: Int8Array
  grid: WeightGrid
}

function bytesOf(weight: Tensor, to: Translation): Bytes | undefined {
  const grid = to.weightGrids.get(weight.name)
  const numbers = to.known.get(weight)
  const codes = grid && numbers !== undefined && codesOf(allOf(numbers, weight.shape), weight.shape, grid)
  return codes ? { codes, grid } : undefined
}

function storeBytes({ name, shape }: Tensor, to: Translation, order: Order, { codes, grid }: Bytes, flat?: Flattened) {
  const lies = Int8Array.from(reordered(codes, shape, order))
  const whole = flat ? Int8Array.from(asFlattened(lies, shape[order[0]], flat)) : lies
  const { scales, axis } = grid
  return to.file.add({
    name: `${name} (codes)`,
    shape: shapeIn(shape, order),
    type: 'int8',
    data: new Uint8Array(whole.buffer),
    quantization: {
      scale: scales,
      zero_point: new Int32Array(scales.length),
      quantized_dimension: scales.length > 1 ? order.indexOf(axis) : 0,
    },
  })
}

/**
 * Weights of a layer that computes floats, where they are bytes: stored as such, and made floats when the
 * file is loaded; undefined where they are none.
 */
export function storedBytes(node: Node, to: Translation, order: Order, flat?: Flattened): number | undefined {
  const [, weight] = node.inputs
  const found = bytesOf(weight, to)
  if (!found) return undefined
  const codes = storeBytes(weight, to, order, found, flat)
  const floats = to.between(weight.name, shapeIn(weight.shape, order))
  return to.file.apply('DEQUANTIZE', [codes], floats, {}, 5)
}

/** The columns of a matrix, row-major, in the order in which the maps lie that became its inputs. */
export function asFlattened(values: ArrayLike<number>, outputs: number, { map, order }: Flattened): Float32Array {
  const [, ...sizes] = map.shape
  return reordered(values, [outputs, ...sizes], order)
}
