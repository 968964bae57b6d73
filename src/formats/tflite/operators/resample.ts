/**
 * @file A known sparse matrix along one axis, which is what resizing is here: as a list of places where every
 * row has one, else as a product with the matrix.
 */
import { attribute } from '../../../graph/operator.ts'
import type { Shape } from '../../../graph/tensor.ts'
import type { Write } from '../translation.ts'
import { gathered } from './shapes.ts'

const resample: Write = ({ inputs: [x], outputs: [y], attributes }, to) => {
  const axis = attribute<number>(attributes, 'axis', 0)
  const [starts, places, weights] = ['starts', 'places', 'weights'].map((name) =>
    attribute<Shape>(attributes, name, []),
  )
  const [columns, rows] = [x.shape[axis], y.shape[axis]]
  if (places.length === rows && starts.every((start, row) => start === row) && weights.every((w) => w === 1))
    return gathered(to, x, y, axis, places)
  const matrix = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    for (let t = starts[row]; t < starts[row + 1]; t++) matrix[row * columns + places[t]] += weights[t]
  const order = [...to.orderOf(x).filter((other) => other !== axis), axis]
  const operands = [
    to.input(x, order),
    to.store(`${y.name} (matrix)`, [rows, columns], matrix),
    to.store(`${y.name} (bias)`, [rows], new Float32Array(rows)),
  ]
  to.output(y, order, 'FULLY_CONNECTED', operands, { keep_num_dims: true }, { version: 5 })
}

export const resampling: Record<string, Write> = { Resample: resample }
