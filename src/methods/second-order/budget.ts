/**
 * @file How many weights a stage of second-order pruning keeps, of all tensors or of each, and what they may
 * cost: budgets fall by the same share from stage to stage.
 */
import { keptCount } from '../../sparsity/count.ts'
import type { TensorCosts } from './masks.ts'

export interface StageBudget {
  /** Weights to keep, of all tensors. */
  readonly keep: number
  /** Share of zeros that leaves. */
  readonly sparsity: number
  /** The same of every tensor, where each has a share of its own. */
  readonly sparsities?: readonly number[]
  /** What the kept weights may cost. Absent: anything. */
  readonly multiplyAdds?: TensorCosts
}

export interface BudgetOptions {
  /** Share of zeros in the end. */
  sparsity: number
  /** The same of every tensor, where each has its own; `sparsity` is then of no account. */
  sparsities?: readonly number[]
  /** Multiply-adds of each weight of a tensor, and the share of all of them that may stay in the end. */
  flops?: { costs: readonly number[]; share: number }
}

export class Budget {
  /** Of all tensors. */
  readonly size: number
  /** Weights that are not zero, before pruning. */
  readonly before: number
  /** Weights to keep in the end, as far as sparsities say. */
  readonly kept: number
  readonly #sizes: readonly number[]
  readonly #nonzeros: readonly number[]
  readonly #options: BudgetOptions
  /** What weights may cost in the end, and what those that are not zero cost before pruning. */
  readonly #multiplyAdds?: TensorCosts & { before: number }

  constructor(weights: readonly Float32Array[], options: BudgetOptions) {
    const { sparsity, sparsities, flops } = options
    this.#options = options
    this.#sizes = weights.map(({ length }) => length)
    this.#nonzeros = weights.map((w) => w.reduce((count, x) => count + (x === 0 ? 0 : 1), 0))
    this.size = sum(this.#sizes)
    this.before = sum(this.#nonzeros)
    this.kept = sparsities
      ? sum(this.#sizes.map((size, t) => keptCount(size, sparsities[t])))
      : keptCount(this.size, sparsity)
    if (!flops) return
    const cost = (counts: readonly number[]) => sum(counts.map((count, t) => count * flops.costs[t]))
    this.#multiplyAdds = {
      costs: flops.costs,
      before: cost(this.#nonzeros),
      most: keptCount(cost(this.#sizes), 1 - flops.share),
    }
  }

  /** Weights that are left in the end if all cost the same, by the tighter one of both budgets. */
  get tightest(): number {
    return Math.min(this.kept, this.before * shareLeft(this.#multiplyAdds))
  }

  /** After a stage of so many, from 1. */
  at(stage: number, stages: number): StageBudget {
    const multiplyAdds = this.#affordable(stage, stages)
    const { sparsity, sparsities } = this.#options
    if (!sparsities) {
      const keep = left(this.before, this.kept, stage, stages)
      // Where it is the last count already, rounding must not show.
      return { keep, sparsity: keep === this.kept ? sparsity : 1 - keep / this.size, multiplyAdds }
    }
    const shares = this.#sizes.map((size, t) => {
      const kept = keptCount(size, sparsities[t])
      const keep = left(this.#nonzeros[t], kept, stage, stages)
      return keep === kept ? sparsities[t] : 1 - keep / size
    })
    const keep = sum(this.#sizes.map((size, t) => keptCount(size, shares[t])))
    return { keep, sparsity: 1 - keep / this.size, sparsities: shares, multiplyAdds }
  }

  #affordable(stage: number, stages: number): TensorCosts | undefined {
    if (!this.#multiplyAdds) return undefined
    const { costs, before, most } = this.#multiplyAdds
    const share = shareLeft(this.#multiplyAdds)
    return { costs, most: stage === stages ? most : Math.round(before * share ** (stage / stages)) }
  }
}

/** Of `before` weights, those that a stage keeps on the way to `kept`. */
const left = (before: number, kept: number, stage: number, stages: number): number =>
  stage === stages || before === 0 ? kept : Math.round(before * (kept / before) ** (stage / stages))

/** The share of their multiply-adds that weights may keep, 0 to 1. */
const shareLeft = (budget: { before: number; most: number } | undefined): number =>
  budget && budget.most < budget.before ? budget.most / budget.before : 1

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
