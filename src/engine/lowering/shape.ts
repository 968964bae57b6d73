/** @file Operators that move, repeat or sum elements. */
import type { Attributes, Node } from '../../graph/operator.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import { call, type Instruction } from '../kernel.ts'
import { copy, place, zero } from '../kernels/elementwise.ts'
import { REDUCE, reduce } from '../kernels/reduce.ts'
import { broadcastLoops, byFours, collapse, type Loops, memoryOrder, strides } from '../layout.ts'
import type { Lowering, Placement } from '../lowering.ts'

/** A new shape over the same memory, unless it changes whether (or how many) samples lie innermost. */
const reshape: Lowering = {
  aliases: ({ inputs: [x], outputs: [y] }) => sameOrder(x, y),
  emit: ({ inputs: [x], outputs: [y] }, at) => {
    if (sameOrder(x, y)) return copies(collapse({ dims: [sizeOf(x.shape)], strides: [[1]] }), at(x), at(y))
    if (innermost(x) > 1 && innermost(y) > 1)
      throw new Error(`Reshape cannot change the number of samples of [${x.shape}]`)
    // One of the two is row-major: walk the other's axes.
    if (innermost(x) > 1) return copies(collapse({ dims: [...x.shape], strides: [strides(x)] }), at(x), at(y))
    return copies(broadcastLoops(y, [{ shape: y.shape, batched: false }]), at(x), at(y))
  },
}

/** Samples that lie innermost; one does not show. */
const innermost = ({ batched, shape }: Tensor) => (batched ? shape[0] : 1)

const sameOrder = (x: Tensor, y: Tensor) => innermost(x) === innermost(y)

const expand: Lowering = {
  emit: ({ inputs: [x], outputs: [y] }, at) => copies(broadcastLoops(y, [x]), at(x), at(y)),
}

/** Where a grid lies in a tensor: the offset of its first element, and its strides. */
function grid(outer: Tensor, attributes: Attributes) {
  const [starts, steps] = [attributes.starts as Shape, attributes.steps as Shape]
  const own = strides(outer)
  return {
    offset: starts.reduce((sum, start, i) => sum + start * own[i], 0),
    strides: own.map((stride, i) => stride * steps[i]),
  }
}

const slice: Lowering = {
  emit: ({ inputs: [x], outputs: [y], attributes }, at) => {
    const { offset, strides: walk } = grid(x, attributes)
    const order = memoryOrder(y)
    const loops = collapse({ dims: order.map((i) => y.shape[i]), strides: [order.map((i) => walk[i])] })
    return copies(loops, offset + at(x), at(y))
  },
}

const transpose: Lowering = {
  emit: ({ inputs: [x], outputs: [y], attributes }, at) => {
    const perm = attributes.perm as readonly number[]
    const own = strides(x)
    const order = memoryOrder(y)
    const loops = collapse({ dims: order.map((i) => y.shape[i]), strides: [order.map((i) => own[perm[i]])] })
    return copies(loops, at(x), at(y))
  },
}

/** Writes x into part of y. */
function placed(x: Tensor, offset: number, walk: readonly number[], at: Placement): Instruction[] {
  const order = memoryOrder(x)
  const loops = collapse({ dims: order.map((i) => x.shape[i]), strides: [order.map((i) => walk[i])] })
  return byFours(loops).map(({ dims: d, strides: [s], starts: [start], done }) =>
    call(place, {
      d0: d[0],
      d1: d[1],
      d2: d[2],
      d3: d[3],
      x: at(x) + done,
      out: offset + start,
      so0: s[0],
      so1: s[1],
      so2: s[2],
      so3: s[3],
    }),
  )
}

const placeLowering: Lowering = {
  emit: ({ inputs: [x], outputs: [y], attributes }, at) => {
    const { offset, strides: walk } = grid(y, attributes)
    return [call(zero, { n: sizeOf(y.shape), y: at(y) }), ...placed(x, at(y) + offset, walk, at)]
  },
}

const concat: Lowering = {
  emit: ({ inputs, outputs: [y], attributes }, at) => {
    const axis = (attributes.axis as number | undefined) ?? 1
    const own = strides(y)
    let start = 0
    return inputs.flatMap((x) => {
      const instructions = placed(x, at(y) + start * own[axis], own, at)
      start += x.shape[axis]
      return instructions
    })
  },
}

const reduceLowering = (kind: number): Lowering => ({
  emit: ({ inputs: [x], outputs: [y], attributes }: Node, at) => {
    const axes = attributes.axes as readonly number[]
    const own = strides(x)
    // Kept axes in the order in which y lies in memory: y is batched exactly if x is and its samples are
    // kept.
    const kept = memoryOrder({ shape: x.shape, batched: y.batched }).filter((axis) => !axes.includes(axis))
    const summed = memoryOrder(x).filter((axis) => axes.includes(axis))
    const nest = (order: number[]): Loops =>
      collapse({ dims: order.map((axis) => x.shape[axis]), strides: [order.map((axis) => own[axis])] })
    const {
      dims: r,
      strides: [t],
    } = nest(summed)
    if (r.length > 4) throw new Error(`${y.name}: a reduction over [${r}] has too many loops`)
    return byFours(nest(kept)).map(({ dims: d, strides: [s], starts: [start], done }) =>
      call(reduce, {
        kind,
        d0: d[0],
        d1: d[1],
        d2: d[2],
        d3: d[3],
        s0: s[0],
        s1: s[1],
        s2: s[2],
        s3: s[3],
        r0: r[0],
        r1: r[1],
        r2: r[2],
        r3: r[3],
        t0: t[0],
        t1: t[1],
        t2: t[2],
        t3: t[3],
        x: at(x) + start,
        y: at(y) + done,
      }),
    )
  },
})

export const shape: Record<string, Lowering> = {
  Reshape: reshape,
  Flatten: reshape,
  Expand: expand,
  Transpose: transpose,
  Slice: slice,
  Place: placeLowering,
  Concat: concat,
  ...Object.fromEntries(Object.entries(REDUCE).map(([name, kind]) => [`Reduce${name}`, reduceLowering(kind)])),
}

function copies(loops: Loops, from: number, to: number): Instruction[] {
  return byFours(loops).map(({ dims: d, strides: [s], starts: [start], done }) =>
    call(copy, {
      d0: d[0],
      d1: d[1],
      d2: d[2],
      d3: d[3],
      x: from + start,
      sx0: s[0],
      sx1: s[1],
      sx2: s[2],
      sx3: s[3],
      out: to + done,
    }),
  )
}
