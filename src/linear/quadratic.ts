/** @file Quadratic forms of many vectors with one symmetric matrix. */
import type { Machine } from '../engine/machine.ts'
import { product, rowsOf } from './product.ts'
import { dot } from './vector.ts'
import { Workspace } from './workspace.ts'

/** Vectors that are multiplied at once. */
const ROWS = 256

/**
 * The sum of x S x' over the rows x of [rows][n], with S symmetric, [n][n] (both triangles), in float64.
 * Takes n^2 + 2 min(rows, 256) n doubles of the machine.
 */
export function quadraticForm(machine: Machine, s: Float64Array, n: number, x: Float64Array): number {
  if (x.every((value) => value === 0)) return 0
  const rows = x.length / n
  const most = Math.min(rows, ROWS)
  const space = new Workspace(machine, 2 * (n * n + 2 * most * n))
  const matrix = space.matrix(n, n)
  space.values(matrix).set(s)
  let sum = 0
  for (let first = 0; first < rows; first += most)
    space.scoped(() => {
      const count = Math.min(most, rows - first)
      const [part, image] = [space.matrix(count, n), space.matrix(count, n)]
      space.values(part).set(x.subarray(first * n, (first + count) * n))
      space.run([product(image, rowsOf(part), rowsOf(matrix))])
      sum += dot(space.values(part), space.values(image))
    })
  return sum
}
