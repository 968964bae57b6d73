/**
 * @file Newton's method without a Hessian (Martens 2010): a step solves (H + lambda I) d = -g by conjugate
 * gradients, which ask for products of H with vectors only, and goes along d for as far as the loss falls.
 */
import { random } from '../../util/random.ts'

/** A function of n variables to be made small. */
export interface Objective {
  evaluate(at: Float64Array): Evaluation
  /** H v at a point. Steps may look at other samples each. */
  hessian(at: Float64Array, step: number): (v: Float64Array) => Float64Array
}

export interface Evaluation {
  loss: number
  gradient: Float64Array
}

export interface NewtonOptions {
  /** Most steps. */
  steps: number
  /** Most iterations of conjugate gradients in a step. */
  iterations: number
  /** lambda, in units of the mean of the Hessian's diagonal. */
  damp: number
}

export interface NewtonResult {
  at: Float64Array
  before: number
  after: number
  /** Steps that were taken. */
  steps: number
}

/** Conjugate gradients end where the residual is this share of the gradient. */
const RESIDUAL = 1e-3

/** The line search: the least share of what the slope promises, what a trial shortens the step to, trials. */
const ARMIJO = 1e-4
const SHORTER = 0.5
const TRIALS = 8

/**
 * At most `steps` steps from `start`. The loss never rises: a step that does not lower it however short is
 * not taken, and is the last.
 */
export function newtonCg(objective: Objective, start: Float64Array, options: NewtonOptions): NewtonResult {
  let at = start
  let { loss, gradient } = objective.evaluate(start)
  const before = loss
  let damping: number | undefined
  let taken = 0
  while (taken < options.steps && gradient.some((g) => g !== 0)) {
    const hessian = objective.hessian(at, taken)
    damping ??= options.damp * meanDiagonal(hessian, at.length)
    const direction = conjugateGradients(hessian, gradient, damping, options.iterations)
    const step = searched(objective, { at, loss, gradient }, direction)
    if (!step) break
    ;({ at, loss, gradient } = step)
    taken++
  }
  return { at, before, after: loss, steps: taken }
}

/** The mean of H's diagonal, as estimated by z' H z for random signs z (Hutchinson 1990); at least 0. */
function meanDiagonal(hessian: (v: Float64Array) => Float64Array, n: number): number {
  const stream = random(0, 'signs of a Hessian')
  const signs = Float64Array.from({ length: n }, () => (stream.uniform() < 0.5 ? -1 : 1))
  return Math.max(0, dot(signs, hessian(signs)) / n)
}

/**
 * Solves (H + damping I) d = -gradient. Where H is found to curve down the iterations end with what they
 * have, which of the first one is the descent along the gradient.
 */
export function conjugateGradients(
  hessian: (v: Float64Array) => Float64Array,
  gradient: Float64Array,
  damping: number,
  iterations: number,
): Float64Array {
  const solution = new Float64Array(gradient.length)
  const residual = gradient.map((g) => -g)
  let along = residual.slice()
  let squared = dot(residual, residual)
  const enough = RESIDUAL ** 2 * squared
  for (let i = 0; i < iterations && squared > enough; i++) {
    const product = hessian(along)
    for (let j = 0; j < product.length; j++) product[j] += damping * along[j]
    const curvature = dot(along, product)
    if (!(curvature > 0)) return i === 0 ? residual : solution
    const length = squared / curvature
    for (let j = 0; j < solution.length; j++) {
      solution[j] += length * along[j]
      residual[j] -= length * product[j]
    }
    const next = dot(residual, residual)
    const beta = next / squared
    along = along.map((v, j) => residual[j] + beta * v)
    squared = next
  }
  return solution
}

interface Point extends Evaluation {
  at: Float64Array
}

/** Where the loss has fallen enough along a direction of descent, if anywhere. */
function searched(objective: Objective, from: Point, direction: Float64Array): Point | undefined {
  const slope = dot(from.gradient, direction)
  if (!(slope < 0)) return undefined
  for (let trial = 0, length = 1; trial < TRIALS; trial++, length *= SHORTER) {
    const at = from.at.map((w, i) => w + length * direction[i])
    const found = objective.evaluate(at)
    if (found.loss < from.loss && found.loss <= from.loss + ARMIJO * length * slope) return { at, ...found }
  }
  return undefined
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
