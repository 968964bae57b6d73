/** @file What moves, joins, cuts and repeats elements. */
import { attribute, type Node } from '../../../graph/operator.ts'
import type { Shape, Tensor } from '../../../graph/tensor.ts'
import { type Grid, sameGrid } from '../grids.ts'
import { asIs, groupsOf, type Order, sameSequence, shapeIn, withOnes } from '../order.ts'
import type { Translation, Write } from '../translation.ts'

/**
 * Axes that become others as groups need no more than to lie together; other orders are made by a transpose.
 */
const reshape: Write = (node, to) => {
  const {
    inputs: [x],
    outputs: [y],
  } = node
  const order = to.orderOf(x)
  if (isFlattening(node, to)) {
    const { index, grid } = to.lying(x, order)
    const flat = to.reshaped(index, y.shape, to.between(y.name, y.shape, grid))
    to.flattened.set(y, { index: flat, order, grid, map: x })
    return
  }
  const groups = groupsOf(x.shape, y.shape)
  const lies = groups.map((group) => ({ ...group, at: order.indexOf(group.from[0]) })).sort((a, b) => a.at - b.at)
  const wanted = withOnes(
    lies.flatMap(({ from }) => from),
    x.shape.length,
  )
  const result = withOnes(
    lies.flatMap(({ to: axes }) => axes),
    y.shape.length,
  )
  const { index, grid } = to.lying(x, sameSequence(x.shape, order, wanted) ? order : wanted)
  const shape = shapeIn(y.shape, result)
  to.place(y, { index: to.reshaped(index, shape, to.between(y.name, shape, grid)), order: result, grid })
}

/** Whether maps become rows that linear layers with stored weights alone read. */
function isFlattening({ inputs: [x], outputs: [y] }: Node, to: Translation): boolean {
  const isRow = y.shape.length === 2 && x.shape.length > 2 && y.shape[0] === x.shape[0]
  const order = to.orderOf(x)
  if (!isRow || order[0] !== 0 || sameSequence(x.shape, order, asIs(x.shape.length)) || to.isOutput(y)) return false
  return to.readersOf(y).every(({ operator, inputs: [a, b], attributes }) => {
    const isLinear = ['Gemm', 'MatMul'].includes(operator.name) && !attributes.transA
    return isLinear && a === y && to.known.has(b)
  })
}

/** Axes get other numbers: nothing moves. */
const transpose: Write = ({ inputs: [x], outputs: [y], attributes }, to) => {
  const perm = attribute<Shape>(attributes, 'perm', [])
  const order = to.orderOf(x)
  to.place(y, { ...to.lying(x, order), order: order.map((axis) => perm.indexOf(axis)) })
}

const expand: Write = ({ inputs: [x], outputs: [y] }, to) => {
  const shape = to.file.integers(y.shape)
  to.output(y, asIs(y.shape.length), 'BROADCAST_TO', [to.input(x), shape], {}, { version: 2 })
}

/** What is cut out, or where something is put, by axis as the input lies. */
const listsOf = ({ attributes }: Node, order: Order) =>
  ['starts', 'steps', 'shape'].map((name) => shapeIn(attribute<Shape>(attributes, name, []), order))

const slice: Write = (node, to) => {
  const {
    inputs: [x],
    outputs: [y],
  } = node
  const order = to.orderOf(x)
  const [starts, steps, shape] = listsOf(node, order)
  const ends = starts.map((start, axis) => start + (shape[axis] - 1) * steps[axis] + 1)
  const lists = [starts, ends, steps].map((list) => to.file.integers(list))
  const { index, grid } = to.lying(x, order)
  to.output(y, order, 'STRIDED_SLICE', [index, ...lists], {}, { grid })
}

const place: Write = (node, to) => {
  const {
    inputs: [x],
    outputs: [y],
  } = node
  const order = to.orderOf(x)
  const [starts, steps, shape] = listsOf(node, order)
  if (steps.some((step) => step !== 1)) to.refuse(node, 'puts zeros between values, which is not supported')
  const sizes = shapeIn(x.shape, order)
  const borders = starts.flatMap((start, axis) => [start, shape[axis] - start - sizes[axis]])
  const { index, grid } = to.lying(x, order)
  to.output(y, order, 'PAD', [index, to.file.integers(borders, [order.length, 2])], {}, { grid })
}

const NO_GRID: Grid = { scale: Number.NaN, zero: 0 }

/** Codes are joined where all of them are of one grid. */
const concat: Write = ({ inputs, outputs: [y], attributes }, to) => {
  const computed = inputs.find((input) => !to.known.has(input))
  const order = computed ? to.orderOf(computed) : asIs(y.shape.length)
  const axis = order.indexOf(attribute<number>(attributes, 'axis', 1))
  const [grid] = inputs.map((input) => to.gridOf(input))
  const isSame = grid && inputs.every((input) => sameGrid(to.gridOf(input) ?? NO_GRID, grid))
  const parts = inputs.map((input) => (isSame ? to.lying(input, order).index : to.input(input, order)))
  to.output(y, order, 'CONCATENATION', parts, { axis }, isSame ? { grid } : {})
}

const gather: Write = (node, to) => {
  const {
    inputs: [x, index],
    outputs: [y],
    attributes,
  } = node
  if (index.shape.length !== 1) to.refuse(node, 'reads another place for every value, which is not supported')
  const axis = attribute<number>(attributes, 'axis', 0)
  const size = x.shape[axis]
  const places = Array.from(to.valuesOf(index, node, 'list of places'), (at) => (at < 0 ? at + size : at))
  if (places.some((at) => !(at >= 0 && at < size)))
    to.refuse(node, `reads places that are none of the ${size} there are, which is not supported`)
  gathered(to, x, y, axis, places)
}

/** Values at places along an axis. */
export function gathered(to: Translation, x: Tensor, y: Tensor, axis: number, places: readonly number[]): void {
  const order = to.orderOf(x)
  const options = { axis: order.indexOf(axis) }
  to.output(y, order, 'GATHER', [to.input(x, order), to.file.integers(places)], options)
}

export const shapes: Record<string, Write> = {
  Reshape: reshape,
  Flatten: reshape,
  Expand: expand,
  Transpose: transpose,
  Slice: slice,
  Place: place,
  Concat: concat,
  Gather: gather,
}
