/** @file Values moved along one axis: Resample, Gather and Scatter, TopK, and the places of pooling. */
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { signedFloatBits } from '../bits.ts'
import { call, type Instruction } from '../kernel.ts'
import { copy, zero } from '../kernels/elementwise.ts'
import { gather, resample, SCATTER, scatter, topK } from '../kernels/moving.ts'
import { memoryOrder } from '../layout.ts'
import type { Lowering, Placement } from '../lowering.ts'

/** How a tensor lies around one of its axes: [outer][places][inner]. */
function around(x: Tensor, axis: number) {
  const order = memoryOrder(x)
  const at = order.indexOf(axis)
  const size = (axes: readonly number[]) => sizeOf(axes.map((i) => x.shape[i]))
  return { outer: size(order.slice(0, at)), places: x.shape[axis], inner: size(order.slice(at + 1)) }
}

/** How planes [N, C, ...] lie: [channel][place][sample]. */
const planes = ({ shape: [batch, channels, ...plane] }: Tensor) => ({
  outer: channels,
  places: sizeOf(plane),
  inner: batch,
})

const zeros = (y: Tensor, at: Placement): Instruction => call(zero, { n: sizeOf(y.shape), y: at(y) })

const copied = (x: Tensor, y: Tensor, at: Placement): Instruction =>
  call(copy, { d0: 1, d1: 1, d2: 1, d3: sizeOf(x.shape), x: at(x), sx0: 0, sx1: 0, sx2: 0, sx3: 1, out: at(y) })

/** Whether every element has an index of its own. */
const isEach = (index: Tensor) => Number(index.shape.length > 1)

export const moving: Record<string, Lowering> = {
  Resample: {
    emit: ({ inputs: [x], outputs: [y], attributes }, at) => {
      const axis = attributes.axis as number
      const [starts, places, weights] = [attributes.starts, attributes.places, attributes.weights] as number[][]
      const { outer, places: n, inner } = around(x, axis)
      const sizes = { outer, n, m: y.shape[axis], inner, count: places.length }
      return [call(resample, { ...sizes, x: at(x), y: at(y) }, [...starts, ...places, ...weights.map(signedFloatBits)])]
    },
  },
  Gather: {
    emit: ({ inputs: [x, index], outputs: [y], attributes }, at) => {
      const axis = attributes.axis as number
      const { outer, places: n, inner } = around(x, axis)
      const sizes = { outer, n, k: y.shape[axis], inner, each: isEach(index) }
      return [call(gather, { ...sizes, x: at(x), index: at(index), y: at(y) })]
    },
  },
  Scatter: {
    emit: ({ inputs: [index, updates, x], outputs: [y], attributes }, at) => {
      const axis = attributes.axis as number
      const { outer, places: n, inner } = around(y, axis)
      const mode = SCATTER[attributes.reduction as keyof typeof SCATTER]
      const sizes = { mode, outer, n, k: updates.shape[axis], inner, each: isEach(index) }
      const before = x ? (at(x) === at(y) ? [] : [copied(x, y, at)]) : [zeros(y, at)]
      return [...before, call(scatter, { ...sizes, updates: at(updates), index: at(index), y: at(y) })]
    },
    inPlace: ({ inputs: [index, updates, x] }) => (x && x !== index && x !== updates ? [2] : []),
  },
  TopK: {
    emit: ({ inputs: [x], outputs: [y, index], attributes }, at) => {
      const { outer, places: n, inner } = around(x, attributes.axis as number)
      const sizes = { outer, n, k: attributes.k as number, inner, largest: attributes.largest as number }
      return [call(topK, { ...sizes, x: at(x), y: at(y), index: at(index) })]
    },
  },
  ScatterPlane: {
    emit: ({ inputs: [dy, index], outputs: [dx] }, at) => {
      const { outer, places: k, inner } = planes(dy)
      const sizes = { mode: SCATTER.add, outer, n: planes(dx).places, k, inner, each: 1 }
      return [zeros(dx, at), call(scatter, { ...sizes, updates: at(dy), index: at(index), y: at(dx) })]
    },
  },
  GatherPlane: {
    emit: ({ inputs: [x, index], outputs: [y] }, at) => {
      const { outer, places: k, inner } = planes(y)
      const sizes = { outer, n: planes(x).places, k, inner, each: 1 }
      return [call(gather, { ...sizes, x: at(x), index: at(index), y: at(y) })]
    },
  },
}
