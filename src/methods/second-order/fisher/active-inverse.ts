/**
 * @file The damped inverse of the weights of a block that are not pruned, in the places of all: rows and
 * columns of the others are zero. Its system has the order of the active weights, or of the samples.
 */
import type { Workspace } from '../../../linear/workspace.ts'
import { ActiveBlock } from './active-block.ts'
import { weightsOf } from './block.ts'
import type { GramBlock } from './columns.ts'
import { blockInverse } from './direct-inverse.ts'
import type { BlockInverse } from './inverse.ts'

export class ActiveInverse implements BlockInverse {
  /** Weights of the block, active or not. */
  readonly size: number
  readonly #active: ActiveBlock
  /** Absent where no weight is active. */
  readonly #inverse?: BlockInverse

  /**
   * Active are the weights whose `active` (masks, or the weights themselves; one list per tensor) is not 0.
   * Room and errors are those of {@link blockInverse}.
   */
  constructor(space: Workspace, block: GramBlock, lambda: number, active: readonly ArrayLike<number>[]) {
    this.size = weightsOf(block)
    this.#active = new ActiveBlock(block, active)
    if (this.#active.size > 0) this.#inverse = blockInverse(space, this.#active, lambda)
  }

  get residual(): number {
    return this.#inverse?.residual ?? 0
  }

  /** `progress(done)` counts weights of the block, as if all took the same time. */
  diagonal(progress: (done: number) => void = () => {}): Float64Array[] {
    const part = this.size / this.#active.size
    const diagonal = this.#inverse?.diagonal((done) => progress(Math.round(done * part)))
    if (!diagonal) progress(this.size)
    return this.#active.scatter(diagonal ?? [])
  }

  apply(u: readonly Float64Array[]): Float64Array[] {
    return this.#active.scatter(this.#inverse?.apply(this.#active.gather(u)) ?? [])
  }
}
