/**
 * @file What is known of the values of a graph before it runs: which stored tensors their elements are, and
 * their numbers.
 */
import type { Place } from '../places.ts'
import type { Levels } from './arithmetic.ts'
import type { Movement, Numbers } from './numbers.ts'

/** Numbers that were computed, kept while one tensor is looked at. */
export type Memo = Map<Flow, Numbers | undefined>

export interface Flow {
  /** Whether it depends on nothing but stored tensors. */
  stored: boolean
  /** Undefined where it is not known. */
  shape?: readonly number[]
  /**
   * The stored tensors whose elements it has: where one of them is zero, so is what it becomes here. Only of
   * stored ones.
   */
  sources: readonly Source[]
  /** Its numbers; undefined where they are not computed here. */
  numbers(memo: Memo): Numbers | undefined
  /** Nodes from a stored tensor to here, at most. */
  depth: number
}

/** A stored tensor on its way to a value. */
export interface Source {
  place: Place
  /** What is done to it, the last first. */
  steps?: Steps
  /** Whether a step leaves elements out. */
  part: boolean
}

export interface Steps {
  step: Step
  before?: Steps
}

/** Undefined movements and factors: they are not known. */
export type Step =
  | { kind: 'move'; movement: Movement | undefined; what: string }
  | Scaling
  | { kind: 'quantize'; levels: LevelFlows; unsigned: boolean; what: string }
  | { kind: 'dequantize'; levels: LevelFlows; what: string }

export interface Scaling {
  kind: 'scale'
  /** Divided by the numbers instead of multiplied with them. */
  divides: boolean
  by: Flow
  what: string
}

export interface LevelFlows {
  scale?: () => Flow | undefined
  zero?: Flow
  align: Levels['align']
}

/** More nodes in a row are not followed, nor are more ways from stored tensors to one value. */
const MOST = { depth: 1000, sources: 10_000 } as const

/** A value that depends on the inputs of the model, or of which nothing is known. */
export const computed: Flow = { stored: false, sources: [], numbers: () => undefined, depth: 0 }

/** A value of a node that has these stored values as inputs. */
export function derived(
  inputs: readonly (Flow | undefined)[],
  shape: readonly number[] | undefined,
  numbers: (memo: Memo) => Numbers | undefined,
  sources: readonly Source[] = [],
): Flow {
  const depth = 1 + inputs.reduce((most, flow) => Math.max(most, flow?.depth ?? 0), 0)
  const within = depth <= MOST.depth && sources.length <= MOST.sources
  const flow: Flow = {
    stored: within,
    shape,
    depth,
    sources: within ? sources : [],
    numbers: (memo) => {
      if (!memo.has(flow)) memo.set(flow, within ? numbers(memo) : undefined)
      return memo.get(flow)
    },
  }
  return flow
}

/** The sources after one more step. */
export const after = ({ sources }: Flow, step: Step, part = false): Source[] =>
  sources.map((source) => ({ ...source, steps: { step, before: source.steps }, part: source.part || part }))
