/**
 * @file Gradient columns: what every second-order method computes with. With N samples and n weights, G is
 * the N x n matrix of per-sample gradients and F = G' G / N the empirical Fisher matrix, which is never
 * formed: it acts through columns of G.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { Matrix } from '../../../linear/workspace.ts'
import type { SampleRows } from './sample-rows.ts'

/**
 * The per-sample gradients of one prunable tensor: for each of its weights, in row-major order, a column of N
 * values.
 */
export interface GradientColumns {
  /** Name of the tensor. */
  readonly name: string
  /** Number of weights. */
  readonly size: number
  /** N. */
  readonly samples: number
  /** Writes column `weight` to `into` (length N): exactly if that is of float64, else rounded to float32. */
  column(weight: number, into: Vector): void
  /** sums[q] = sum over samples i of v[i] G[i][q], in float64, for all weights. */
  correlate(v: Float64Array, sums: Float64Array): void
  /** sums[q] = sum over samples of G[i][q]^2, in float64, for all weights. */
  squares(sums: Float64Array): void
  /** v[i] += sum over weights q of G[i][q] x[q], in float64. */
  combine(x: ArrayLike<number>, v: Float64Array): void
}

/**
 * Weights whose gradients interact: F is block-diagonal over blocks. One block of all tensors is the full
 * Fisher matrix, one block per tensor the usual approximation.
 */
export interface FisherBlock {
  readonly samples: number
  readonly tensors: readonly GradientColumns[]
}

/** Columns in the memory of a workspace, which products of matrices reach. */
export interface GramColumns extends GradientColumns {
  /** k[i][j] += sum over weights of G[i][q] G[j][q], for j <= i: N x N, in float64. */
  addGram(k: Matrix): void
  /** Of all weights of a linear layer: that of weight (p, q) is left[p] * right[q], sample by sample. */
  readonly factors?: { readonly left: SampleRows; readonly right: SampleRows }
  /** Absent where the columns have no structure that makes it cheap. */
  readonly quadraticForms?: QuadraticForms
  /**
   * The columns of some weights (their numbers here, increasing), as columns of their own: a view. `name` is
   * by default that of all.
   */
  subset(weights: Int32Array, name?: string): GramColumns
}

/** Of columns with some structure. */
export interface QuadraticForms {
  /** Multiplications that computing them takes; without structure, size x N^2 / 2 or more. */
  readonly cost: number
  /**
   * forms[q] = sum over i, j of G[i][q] s[i][j] G[j][q] for a symmetric N x N matrix whose lower triangle is
   * given. `progress(done)` counts weights.
   */
  compute(s: Matrix, forms: Float64Array, progress?: (done: number) => void): void
}

/** A block whose columns are in the memory of a workspace. */
export interface GramBlock extends FisherBlock {
  readonly tensors: readonly GramColumns[]
}
