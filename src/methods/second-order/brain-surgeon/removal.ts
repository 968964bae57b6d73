/**
 * @file What removing a set of weights costs, in the second-order model of the Combinatorial Brain Surgeon
 * (Yu et al. 2022, arXiv 2203.04466), and how that cost changes when weights are exchanged.
 *
 * With u_q = w_q G_q (G_q: column q of the N x n matrix of per-sample gradients) and v = the sum of u_q over
 * the removed weights P,
 *
 *     Q(P) = w_P' F_PP w_P = |v|^2 / N,    F = G' G / N,
 *
 * without a first-order term, damping or the factor 1/2. v[s] is what removing P takes off the loss of sample
 * s to first order. Where F is block-diagonal, each block has a v of its own and Q is the sum over blocks.
 * Only v is kept up to date: a change costs O(N).
 */
import { dot } from '../../../linear/vector.ts'
import { UserError } from '../../../util/errors.ts'
import type { FisherBlock, GradientColumns } from '../fisher/columns.ts'
import { concatenate, type Masks, split } from '../fisher/flat.ts'

/** u_q of one weight, as scale (w_q) times gradients (G_q). Filled by `Removal.load`. */
export class Effect {
  weight = -1
  block = -1
  scale = 0
  readonly gradients: Float32Array

  constructor(samples: number) {
    this.gradients = new Float32Array(samples)
  }
}

/** Weights are numbered through all tensors of all blocks, in order (./flat.ts). */
export class Removal {
  /** N. */
  readonly samples: number
  /** Number of weights. */
  readonly size: number
  /** 1 where a weight is kept. Changed by `swap` only. */
  readonly kept: Uint8Array
  /** Views of `kept`, one per tensor. */
  readonly masks: Masks
  readonly #tensors: readonly { columns: GradientColumns; block: number; start: number; end: number }[]
  readonly #weights: Float64Array
  readonly #v: readonly Float64Array[]
  /** |u_q|^2 / N */
  readonly #own: Float64Array
  /** 2 u_q v / N, of the v that `refresh` saw. */
  readonly #cross: Float64Array

  /**
   * `weights` and `start` (masks: 1 kept, 0 removed) have one row-major array per tensor of all blocks, in
   * order. Throws Error where sizes do not agree or a mask holds something else, UserError where weights or
   * gradients are not finite.
   */
  constructor(
    blocks: readonly FisherBlock[],
    weights: readonly ArrayLike<number>[],
    start: readonly ArrayLike<number>[],
  ) {
    let end = 0
    this.#tensors = blocks.flatMap(({ tensors }, block) =>
      tensors.map((columns) => ({ columns, block, start: end, end: (end += columns.size) })),
    )
    checkSizes(blocks, weights, start)
    this.samples = blocks[0].samples
    this.size = end
    this.#weights = concatenate(weights)
    this.kept = Uint8Array.from(concatenate(start))
    this.masks = split(
      this.kept,
      weights.map(({ length }) => length),
    )
    this.#v = blocks.map(() => new Float64Array(this.samples))
    this.#own = new Float64Array(end)
    this.#cross = new Float64Array(end)
    const removed = this.#weights.map((w, q) => (this.kept[q] ? 0 : w))
    for (const { columns, block, start, end } of this.#tensors) {
      columns.combine(removed.subarray(start, end), this.#v[block])
      columns.squares(this.#own.subarray(start, end))
      for (let q = start; q < end; q++) {
        this.#own[q] *= this.#weights[q] ** 2 / this.samples
        if (!Number.isFinite(this.#own[q]))
          throw new UserError(`the gradients of ${columns.name} hold values that are not finite`)
      }
    }
  }

  /** Q, from v. */
  objective(): number {
    return this.#v.reduce((sum, v) => sum + dot(v, v), 0) / this.samples
  }

  /** Brings `leaving` and `entering` up to date: a `correlate` of every tensor. */
  refresh(): void {
    for (const { columns, block, start, end } of this.#tensors) {
      columns.correlate(this.#v[block], this.#cross.subarray(start, end))
      for (let q = start; q < end; q++) this.#cross[q] *= (2 * this.#weights[q]) / this.samples
    }
  }

  /** alpha_q: what Q falls by when a removed weight alone returns, as of the last `refresh`. */
  leaving(q: number): number {
    return this.#cross[q] - this.#own[q]
  }

  /** beta_q: what Q rises by when a kept weight alone is removed too, as of the last `refresh`. */
  entering(q: number): number {
    return this.#cross[q] + this.#own[q]
  }

  /** Whether u_q = 0: a dead input or unit, or a weight that is zero. Removing it changes nothing. */
  isIdle(q: number): boolean {
    return this.#own[q] === 0
  }

  /** Fills `effect` with u_q; nothing happens where it holds it already. */
  load(q: number, effect: Effect): Effect {
    if (effect.weight === q) return effect
    const { columns, block, start } = this.#tensors.find(({ end }) => q < end)!
    columns.column(q - start, effect.gradients)
    effect.weight = q
    effect.block = block
    effect.scale = this.#weights[q]
    return effect
  }

  /**
   * gamma(p, q) = 2 u_p u_q / N for all q, zero across blocks: a `correlate` of every tensor of p's block.
   */
  coupling({ block, scale, gradients }: Effect): Float64Array {
    const gamma = new Float64Array(this.size)
    const u = Float64Array.from(gradients, (g) => scale * g)
    for (const { columns, start, end } of this.#tensors.filter((tensor) => tensor.block === block)) {
      columns.correlate(u, gamma.subarray(start, end))
      for (let q = start; q < end; q++) gamma[q] *= (2 * this.#weights[q]) / this.samples
    }
    return gamma
  }

  /**
   * What Q changes by when weight `back` (removed) returns and weight `gone` (kept) is removed instead, of
   * the present v: with d = u_gone - u_back, (2 v d + |d|^2) / N in one block; the sum of both blocks'
   * changes else. Equals beta - alpha - gamma.
   */
  change(back: Effect, gone: Effect): number {
    const { gradients: x, scale: a } = back
    const { gradients: y, scale: b } = gone
    const v = this.#v[back.block]
    let sum = 0
    if (back.block === gone.block) {
      for (let s = 0; s < v.length; s++) {
        const d = b * y[s] - a * x[s]
        sum += d * (2 * v[s] + d)
      }
    } else {
      const other = this.#v[gone.block]
      for (let s = 0; s < v.length; s++) {
        const p = a * x[s]
        const r = b * y[s]
        sum += r * (2 * other[s] + r) - p * (2 * v[s] - p)
      }
    }
    return sum / this.samples
  }

  /** Makes that exchange. */
  swap(back: Effect, gone: Effect): void {
    this.#add(back, -1)
    this.#add(gone, 1)
    this.kept[back.weight] = 1
    this.kept[gone.weight] = 0
  }

  #add({ block, scale, gradients }: Effect, sign: number): void {
    const v = this.#v[block]
    for (let s = 0; s < v.length; s++) v[s] += sign * scale * gradients[s]
  }
}

function checkSizes(
  blocks: readonly FisherBlock[],
  weights: readonly ArrayLike<number>[],
  masks: readonly ArrayLike<number>[],
): void {
  const tensors = blocks.flatMap((block) => block.tensors.map((columns) => ({ columns, samples: block.samples })))
  if (tensors.length === 0) throw new Error('expected at least one tensor of gradients')
  if (weights.length !== tensors.length || masks.length !== tensors.length)
    throw new Error(
      `found ${weights.length} weights and ${masks.length} masks for ${tensors.length} tensors of gradients`,
    )
  const N = blocks[0].samples
  for (const [t, { columns, samples }] of tensors.entries()) {
    const { name, size } = columns
    const other = [samples, columns.samples].find((count) => count !== N)
    if (other !== undefined) throw new Error(`found gradients of ${other} samples in ${name}, expected ${N}`)
    if (weights[t].length !== size || masks[t].length !== size)
      throw new Error(
        `${name} has ${size} columns, found ${weights[t].length} weights and a mask of ${masks[t].length}`,
      )
    for (let i = 0; i < size; i++)
      if (masks[t][i] !== 0 && masks[t][i] !== 1)
        throw new Error(`the mask of ${name} holds ${masks[t][i]}, expected 0 or 1`)
  }
}
