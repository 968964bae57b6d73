/**
 * @file A known sparse matrix along one axis, which is what resizing is here: together with that of the other
 * axis an operator of TensorFlow Lite, where it is one of these; else a list of places where every row has
 * one, else a product with the matrix.
 */
import { attribute, type Node } from '../../../graph/operator.ts'
import type { Shape } from '../../../graph/tensor.ts'
import { CHANNELS_LAST } from '../order.ts'
import type { Translation, Write } from '../translation.ts'
import { gathered } from './shapes.ts'

interface Matrix {
  axis: number
  rows: number
  columns: number
  /** Row-major. */
  values: Float32Array
}

function matrixOf({ inputs: [x], outputs: [y], attributes }: Node): Matrix {
  const axis = attribute<number>(attributes, 'axis', 0)
  const [starts, places, weights] = ['starts', 'places', 'weights'].map((name) =>
    attribute<Shape>(attributes, name, []),
  )
  const [columns, rows] = [x.shape[axis], y.shape[axis]]
  const values = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    for (let t = starts[row]; t < starts[row + 1]; t++) values[row * columns + places[t]] += weights[t]
  return { axis, rows, columns, values }
}

/** Where TensorFlow Lite's operators read: as their options say. */
interface Resizing {
  name: 'RESIZE_BILINEAR' | 'RESIZE_NEAREST_NEIGHBOR'
  align_corners: boolean
  half_pixel_centers: boolean
}

const RESIZINGS: readonly Resizing[] = (['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR'] as const).flatMap((name) => [
  { name, align_corners: false, half_pixel_centers: false },
  { name, align_corners: false, half_pixel_centers: true },
  { name, align_corners: true, half_pixel_centers: false },
])

/** The two places that a row reads, and the share of the second one. */
function readsOf({ name, align_corners, half_pixel_centers }: Resizing, row: number, { rows, columns }: Matrix) {
  const scale = align_corners && rows > 1 ? (columns - 1) / (rows - 1) : columns / rows
  if (name === 'RESIZE_NEAREST_NEIGHBOR') {
    const at = half_pixel_centers ? Math.floor((row + 0.5) * scale) : row * scale
    const place = Math.min(align_corners ? Math.round(at) : Math.floor(at), columns - 1)
    return { first: place, second: place, share: 0 }
  }
  const at = half_pixel_centers ? (row + 0.5) * scale - 0.5 : row * scale
  const below = Math.floor(at)
  return { first: Math.max(below, 0), second: Math.min(below + 1, columns - 1), share: at - below }
}

/** Whether an operator does to an axis what a matrix does. */
function isLike(resizing: Resizing, matrix: Matrix): boolean {
  const row = new Float32Array(matrix.columns)
  for (let i = 0; i < matrix.rows; i++) {
    const { first, second, share } = readsOf(resizing, i, matrix)
    row.fill(0)
    row[first] += 1 - share
    row[second] += share
    const own = matrix.values.subarray(i * matrix.columns, (i + 1) * matrix.columns)
    if (row.some((value, place) => !(Math.abs(value - own[place]) < 1e-5))) return false
  }
  return true
}

/** Rows and columns of maps at once; whether that is what a node and the one behind it are. */
function resized(node: Node, to: Translation): boolean {
  const [x] = node.inputs
  const [next, ...others] = to.readersOf(node.outputs[0])
  if (next?.operator.name !== 'Resample' || others.length > 0 || to.isOutput(node.outputs[0])) return false
  const matrices = [node, next].map(matrixOf)
  const axes = matrices.map(({ axis }) => axis).sort()
  const found = RESIZINGS.find((one) => matrices.every((matrix) => isLike(one, matrix)))
  if (!found || x.shape.length !== 4 || String(axes) !== '2,3') return false
  const { name, ...options } = found
  const [y] = next.outputs
  to.done.add(next)
  const inputs = [to.input(x, CHANNELS_LAST), to.file.integers(y.shape.slice(2))]
  to.output(y, CHANNELS_LAST, name, inputs, options, { version: options.half_pixel_centers ? 3 : 1 })
  return true
}

const resample: Write = (node, to) => {
  if (resized(node, to)) return
  const {
    inputs: [x],
    outputs: [y],
    attributes,
  } = node
  const places = attribute<Shape>(attributes, 'places', [])
  const { axis, rows, columns, values } = matrixOf(node)
  const picks = places.length === rows && places.every((place, row) => values[row * columns + place] === 1)
  if (picks) return gathered(to, x, y, axis, places)
  const order = [...to.orderOf(x).filter((other) => other !== axis), axis]
  const operands = [
    to.input(x, order),
    to.store(`${y.name} (matrix)`, [rows, columns], values),
    to.store(`${y.name} (bias)`, [rows], new Float32Array(rows)),
  ]
  to.output(y, order, 'FULLY_CONNECTED', operands, { keep_num_dims: true }, { version: 5 })
}

export const resampling: Record<string, Write> = { Resample: resample }
