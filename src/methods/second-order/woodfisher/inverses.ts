/**
 * @file The damped inverses A of the Fisher matrix of a stage's blocks: their diagonals, and products with
 * them. That of a single block is kept where an update needs it again; several are made for every walk, so
 * that one at a time is in memory.
 */
import { ActiveInverse } from '../fisher/active-inverse.ts'
import { correlate } from '../fisher/block.ts'
import type { Own, PartBlock } from '../fisher/fisher-columns.ts'
import type { BlockInverse } from '../fisher/inverse.ts'
import { KroneckerInverse } from '../kfac/kronecker-inverse.ts'
import { usualDamping } from '../options.ts'
import type { Stage } from '../stage.ts'

type Visit = (inverse: BlockInverse, own: Own, told: (done: number) => void, block: PartBlock) => Float64Array[]

export class Inverses {
  readonly damping: number
  readonly #stage: Stage
  /** Of the only block, where it is kept. */
  #kept?: BlockInverse
  #diagonals?: Float64Array[]
  #timesGradient?: Float64Array[]
  #residual?: number

  constructor(stage: Stage) {
    const { method, fisher, lambda = usualDamping(method, fisher) } = stage.settings
    this.#stage = stage
    this.damping = lambda
  }

  /** The largest relative residual of the systems that were solved; undefined where none was. */
  get residual(): number | undefined {
    return this.#residual
  }

  /** A_qq of every weight, a list per tensor; 0 of those that are pruned. */
  diagonals(): Float64Array[] {
    this.#diagonals ??= this.#each((inverse, _, told, block) => {
      this.#residual = Math.max(this.#residual ?? 0, inverse.residual)
      const compute = () => inverse.diagonal(told)
      return this.#isKronecker ? compute() : block.derived('diagonals of the inverse', this.damping, compute)
    })
    return this.#diagonals
  }

  /** A u, a list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[] {
    return this.#products((_, own) => own(u))
  }

  /** A g with the mean gradient g, a list per tensor. */
  timesGradient(): Float64Array[] {
    this.#timesGradient ??= this.#products((block) => {
      const sums = correlate(block, new Float64Array(block.samples).fill(1))
      return sums.map((some) => some.map((x) => x / block.samples))
    })
    return this.#timesGradient
  }

  #products(rightOf: (block: PartBlock, own: Own) => Float64Array[]): Float64Array[] {
    return this.#each((inverse, own, told, block) => {
      const product = inverse.apply(rightOf(block, own))
      if (this.#stage.columns.count > 1) told(inverse.size)
      return product
    })
  }

  get #isKronecker(): boolean {
    return this.#stage.settings.method === 'kfac'
  }

  #each(visit: Visit): Float64Array[] {
    const { columns, space, settings, clock } = this.#stage
    const keeps = columns.count === 1 && settings.composition.update === 'single'
    return columns.each((block, own, { done, total, group }) =>
      clock.timed('inverse', () => {
        const told = (some: number) =>
          settings.onProgress('inverse', `${group}${done + some} of ${total} weights`, (done + some) / total)
        if (keeps) {
          if (!this.#kept) told(0)
          this.#kept ??= this.#inverse(block, own)
          return visit(this.#kept, own, told, block)
        }
        return space.scoped(() => {
          if (done === 0) told(0)
          return visit(this.#inverse(block, own), own, told, block)
        })
      }),
    )
  }

  #inverse(block: PartBlock, own: Own): BlockInverse {
    const { space, weights, settings } = this.#stage
    if (this.#isKronecker) return new KroneckerInverse(space, block, this.damping, { balanced: !settings.faithful })
    return new ActiveInverse(space, block, this.damping, own(weights))
  }
}
