/**
 * @file The damped inverse of a block of no more weights than samples, formed directly: with n weights, N
 * (lambda I + F) = lambda N I + G'G is n x n and no larger than the N x N matrix that ./inverse.ts works
 * with. About n^2 N + n^3 products in place of 2 N^2 n + N^3 / 3.
 */
import { solveOne } from '../../../linear/cholesky.ts'
import { invert, symmetricProduct } from '../../../linear/inverse.ts'
import { floatRows, product } from '../../../linear/product.ts'
import { addScaled, dot, norm } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import { type Block, type BlockInverse, DampedInverse, dampedFactor } from './inverse.ts'

/** The inverse of a block by whichever way is cheaper. See the constructors. */
export function blockInverse(
  space: Workspace,
  block: Block,
  lambda: number,
  active?: readonly ArrayLike<number>[],
): BlockInverse {
  const size = block.tensors.reduce((sum, tensor) => sum + tensor.size, 0)
  const Inverse = size <= block.samples ? DirectInverse : DampedInverse
  return new Inverse(space, block, lambda, active)
}

export class DirectInverse implements BlockInverse {
  readonly size: number
  readonly residual: number
  readonly #space: Workspace
  readonly #block: Block
  /** (N (lambda I + F))^-1. */
  readonly #inverse: Matrix

  /**
   * Takes n^2 doubles and a factor's room, n x N floats meanwhile; wrap it in `space.scoped`. Weights whose
   * `active` (one list per tensor) is 0 are left out. Throws UserError where the system is singular in
   * float64 (lambda too small) or a gradient is not finite.
   */
  constructor(space: Workspace, block: Block, lambda: number, active?: readonly ArrayLike<number>[]) {
    const { samples, tensors } = block
    this.#space = space
    this.#block = block
    this.size = tensors.reduce((sum, { size }) => sum + size, 0)
    const n = this.size
    const h = space.matrix(n, n)
    const b = Float64Array.from({ length: n }, (_, q) => Math.cos(q))
    const left = b.slice()
    this.#inverse = space.scoped(() => {
      const offset = space.take(n * samples)
      const lines = floatRows(offset, n, samples)
      const columns = Array.from({ length: n }, (_, q) => space.floats(offset + q * samples, samples))
      this.#gather(columns, active)
      space.run([product(h, lines, lines, { lower: true })])
      const factor = dampedFactor(space, h, lambda * samples, tensors.map(({ name }) => name).join(', '))
      const y = solveOne(space, factor, b)
      const image = new Float64Array(samples)
      columns.forEach((column, q) => void addScaled(image, column, y[q]))
      columns.forEach((column, q) => {
        left[q] -= dot(column, image) + lambda * samples * y[q]
      })
      return invert(space, factor)
    })
    this.residual = norm(left) / norm(b)
  }

  /** The diagonal of (lambda I + F)^-1, one list per tensor. `progress(done)` counts weights. */
  diagonal(progress: (done: number) => void = () => {}): Float64Array[] {
    const { samples, tensors } = this.#block
    const values = this.#space.values(this.#inverse)
    let at = 0
    const diagonal = tensors.map(({ size }) =>
      Float64Array.from({ length: size }, () => samples * values[at++ * (this.size + 1)]),
    )
    progress(this.size)
    return diagonal
  }

  /** (lambda I + F)^-1 u, one list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[] {
    const { samples, tensors } = this.#block
    const joined = new Float64Array(this.size)
    let end = 0
    const places = tensors.map(({ size }) => [end, (end += size)] as const)
    places.forEach(([first], t) => {
      joined.set(u[t], first)
    })
    const result = symmetricProduct(this.#space, this.#inverse, joined).map((x) => samples * x)
    return places.map((place) => result.slice(...place))
  }

  /** All columns of the block, zeros for weights that are not active. */
  #gather(columns: readonly Float32Array[], active?: readonly ArrayLike<number>[]): void {
    let at = 0
    this.#block.tensors.forEach((tensor, t) => {
      for (let q = 0; q < tensor.size; q++, at++)
        if (active?.[t][q] === 0) columns[at].fill(0)
        else tensor.column(q, columns[at])
    })
  }
}
