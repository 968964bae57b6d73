/** @file What the page can be asked for, and what goes with what. */
import { patternOf } from '../../src/sparsity/granularity/index.ts'
import { UserError } from '../../src/util/errors.ts'
import type { AskedSamples } from './samples.ts'

export const pageMethods = ['magnitude', 'obc', 'sparsegpt', 'wanda'] as const
export type PageMethod = (typeof pageMethods)[number]

/** What goes together, by the library's names. */
export const granularities = ['weight', '2:4', '1:4', '2:4-channels', '4x4', 'block8', 'channel'] as const
export type Granularity = (typeof granularities)[number]

/**
 * What is to be reached: a share of zeros, 0 to 1, or what the network may take: milliseconds of one sample
 * in this browser, kB of its compressed file, or a share of its multiply-adds.
 */
export const goalKinds = ['sparsity', 'milliseconds', 'kilobytes', 'multiplyAdds'] as const
export type GoalKind = (typeof goalKinds)[number]

export interface Goal {
  kind: GoalKind
  value: number
}

export interface Asked {
  method: PageMethod
  granularity: Granularity
  goal: Goal
  /** Whether layers compete for weights, or each has that share: all that SparseGPT and Wanda know. */
  scope: 'global' | 'layerwise'
  samples: AskedSamples
  /** Whether ONNX Runtime Web is timed, too. Default false. */
  runtime?: boolean
}

/** Methods that rank weights know them all; of the others those that solve columns in order, patterns. */
const granularitiesOf: Record<PageMethod, readonly Granularity[]> = {
  magnitude: granularities,
  obc: ['weight'],
  sparsegpt: ['weight', '2:4', '1:4'],
  wanda: ['weight', '2:4', '1:4'],
}

/** Levels are told apart by single weights, in a pattern or in blocks that layers choose apart. */
const WITH_LEVELS: readonly Granularity[] = ['weight', '2:4', '1:4', 'block8']
/** Whole channels go to what the smaller network takes, but for its compressed size. */
const withTargets = (goal: GoalKind) => (goal === 'kilobytes' ? WITH_LEVELS : [...WITH_LEVELS, 'channel' as const])

/** What a method can remove together; with a target, or of a network that does not run here, less. */
export function granularitiesFor(method: PageMethod, goal: GoalKind, runs: boolean): readonly Granularity[] {
  if (!runs || (goal !== 'sparsity' && method !== 'magnitude')) return ['weight']
  return goal === 'sparsity' ? granularitiesOf[method] : withTargets(goal)
}

/** The share of zeros that a granularity brings in any case. */
export function leastSparsity(granularity: Granularity): number {
  const pattern = patternOf(granularity.replace('-channels', ''))
  return pattern ? 1 - pattern.n / pattern.m : 0
}

/** Whether the sparsity follows from the granularity alone: layer by layer a pattern is all that there is. */
export const isGiven = (method: PageMethod, granularity: Granularity): boolean =>
  method !== 'magnitude' && granularity !== 'weight'

/** Whether scopes differ: where scores rank single weights or OBC counts them. */
export const knowsScopes = (method: PageMethod, goal: GoalKind): boolean =>
  goal === 'sparsity' && (method === 'magnitude' || method === 'obc')

/** Throws UserError where what is asked for does not go together. */
export function checkAsked({ method, granularity, goal }: Asked, runs: boolean, reason = ''): void {
  if (!runs && (method !== 'magnitude' || goal.kind !== 'sparsity'))
    throw new UserError(`${method} to a ${goal.kind} runs the network, which does not run here: ${reason}`)
  if (!granularitiesFor(method, goal.kind, runs).includes(granularity))
    throw new UserError(`${method}: expected a granularity that goes with it and the goal, found ${granularity}`)
  const { kind, value } = goal
  if (kind === 'sparsity' ? !(value >= 0 && value <= 1) : !(value > 0 && Number.isFinite(value)))
    throw new UserError(`${kind}: expected ${kind === 'sparsity' ? '0 to 1' : 'a number above 0'}, found ${value}`)
  if (kind === 'multiplyAdds' && value > 1)
    throw new UserError(`multiplyAdds: expected a share of at most 1, found ${value}`)
}
