/**
 * @file The damped inverse of a block of no more weights than samples, formed directly: with n weights, N
 * (lambda I + F) = lambda N I + G'G is n x n and no larger than the N x N matrix that ./inverse.ts works
 * with. About n^2 N + n^3 products in place of 2 N^2 n + N^3 / 3.
 */
import { solveOne } from '../../../linear/cholesky.ts'
import { invert, symmetricProduct } from '../../../linear/inverse.ts'
import { norm } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import { combine, correlate, namesOf, weightsOf } from './block.ts'
import type { GramBlock } from './columns.ts'
import { join, split } from './flat.ts'
import { normalMatrix } from './gram.ts'
import { type BlockInverse, DampedInverse, dampedFactor } from './inverse.ts'

/** The inverse of a block by whichever way is cheaper. See the constructors. */
export function blockInverse(space: Workspace, block: GramBlock, lambda: number): BlockInverse {
  const Inverse = weightsOf(block) <= block.samples ? DirectInverse : DampedInverse
  return new Inverse(space, block, lambda)
}

export class DirectInverse implements BlockInverse {
  readonly size: number
  readonly residual: number
  readonly #space: Workspace
  readonly #samples: number
  /** Of the tensors. */
  readonly #sizes: readonly number[]
  /** (N (lambda I + F))^-1. */
  readonly #inverse: Matrix

  /**
   * Takes n^2 doubles, n x N doubles or a factor's room meanwhile; wrap it in `space.scoped`. Throws
   * UserError where the system is singular in float64 (lambda too small) or a gradient is not finite.
   */
  constructor(space: Workspace, block: GramBlock, lambda: number) {
    const { samples, tensors } = block
    this.#space = space
    this.#samples = samples
    this.#sizes = tensors.map(({ size }) => size)
    this.size = weightsOf(block)
    const b = Float64Array.from({ length: this.size }, (_, q) => Math.cos(q))
    const h = normalMatrix(space, block)
    this.residual = space.scoped(() => {
      const factor = dampedFactor(space, h, lambda * samples, namesOf(block))
      const y = solveOne(space, factor, b)
      const image = join(correlate(block, combine(block, split(y, this.#sizes))))
      invert(space, factor)
      return norm(b.map((value, q) => value - image[q] - lambda * samples * y[q])) / norm(b)
    })
    this.#inverse = h
  }

  /** The diagonal of (lambda I + F)^-1, one list per tensor. `progress(done)` counts weights. */
  diagonal(progress: (done: number) => void = () => {}): Float64Array[] {
    const values = this.#space.values(this.#inverse)
    const diagonal = Float64Array.from({ length: this.size }, (_, q) => this.#samples * values[q * (this.size + 1)])
    progress(this.size)
    return split(diagonal, this.#sizes)
  }

  /** (lambda I + F)^-1 u, one list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[] {
    const image = symmetricProduct(this.#space, this.#inverse, join(u))
    return split(
      image.map((x) => this.#samples * x),
      this.#sizes,
    )
  }
}
