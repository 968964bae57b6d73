/** @file Operators that move, repeat or sum elements. */
import type { Node } from '../../graph/operator.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { call, type Instruction } from '../kernel.ts'
import { copy } from '../kernels/elementwise.ts'
import { reduce } from '../kernels/reduce.ts'
import { broadcastLoops, collapse, type Loops, memoryOrder, strides } from '../layout.ts'
import type { Lowering, Placement } from '../lowering.ts'

/** A new shape over the same memory, unless it changes whether (or how many) samples lie innermost. */
const reshape: Lowering = {
  aliases: ({ inputs: [x], outputs: [y] }) => sameOrder(x, y),
  emit: ({ inputs: [x], outputs: [y] }, at) => {
    if (sameOrder(x, y)) return [copyLoops(collapse({ dims: [sizeOf(x.shape)], strides: [[1]] }), x, y, at)]
    if (x.batched && y.batched) throw new Error(`Reshape cannot change the number of samples of [${x.shape}]`)
    // One of the two is row-major: walk the other's axes.
    if (x.batched) return [copyLoops(collapse({ dims: [...x.shape], strides: [strides(x)] }), x, y, at)]
    return [copyLoops(broadcastLoops(y, [{ shape: y.shape, batched: false }]), x, y, at)]
  },
}

const sameOrder = (x: Tensor, y: Tensor) => x.batched === y.batched && (!x.batched || x.shape[0] === y.shape[0])

const expand: Lowering = {
  emit: ({ inputs: [x], outputs: [y] }, at) => [copyLoops(broadcastLoops(y, [x]), x, y, at)],
}

const reduceLowering = (mean: number): Lowering => ({
  emit: ({ inputs: [x], outputs: [y], attributes }: Node, at) => {
    const axes = attributes.axes as readonly number[]
    const own = strides(x)
    // Kept axes in the order in which y lies in memory: y is batched exactly if x is and its samples are kept.
    const kept = memoryOrder({ shape: x.shape, batched: y.batched }).filter((axis) => !axes.includes(axis))
    const summed = memoryOrder(x).filter((axis) => axes.includes(axis))
    const nest = (order: number[]): Loops => ({
      dims: order.map((axis) => x.shape[axis]),
      strides: [order.map((axis) => own[axis])],
    })
    const {
      dims: d,
      strides: [s],
    } = collapse(nest(kept))
    const {
      dims: r,
      strides: [t],
    } = collapse(nest(summed))
    return [
      call(reduce, {
        mean,
        ...{ d0: d[0], d1: d[1], d2: d[2], d3: d[3], s0: s[0], s1: s[1], s2: s[2], s3: s[3] },
        ...{ r0: r[0], r1: r[1], r2: r[2], r3: r[3], t0: t[0], t1: t[1], t2: t[2], t3: t[3] },
        ...{ x: at(x), y: at(y) },
      }),
    ]
  },
})

export const shape: Record<string, Lowering> = {
  Reshape: reshape,
  Flatten: reshape,
  Expand: expand,
  ReduceSum: reduceLowering(0),
  ReduceMean: reduceLowering(1),
}

function copyLoops({ dims: d, strides: [s] }: Loops, x: Tensor, y: Tensor, at: Placement): Instruction {
  return call(copy, {
    ...{ d0: d[0], d1: d[1], d2: d[2], d3: d[3] },
    ...{ x: at(x), sx0: s[0], sx1: s[1], sx2: s[2], sx3: s[3], out: at(y) },
  })
}
