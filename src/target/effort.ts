/**
 * @file How much is measured where nobody says it: every usual level, by many samples, of a network whose
 * forward passes are cheap; fewer of both of one whose passes are dear. What decides is multiply-adds and
 * never the clock, so that the same command measures the same on every machine.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { costOf } from '../sparsity/multiply-adds.ts'

/** Each removes a quarter of what the one before leaves, or a little more. */
export const USUAL_LEVELS = [0.25, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.88, 0.91, 0.935, 0.95, 0.965, 0.975, 0.985, 0.99]

/** Each removes two fifths of what the one before leaves, or more. */
export const FEW_LEVELS = [0.5, 0.7, 0.83, 0.91, 0.955, 0.98, 0.99]

/** Multiply-adds of all forward passes that judge levels, about: minutes on two processors. */
const WORK = 2e13
/** Samples that judge: what is usual, where there are fewer levels instead, and never fewer than. */
const [MOST, SOME, FEWEST] = [1000, 100, 16]

/** The share of the work that choices of levels may take besides, and the fewest of them. */
const TRIED = 0.25
const FEWEST_TRIES = 3
/** The most: of a method that goes by weights alone, and of one that looks at samples, which takes longer. */
const MOST_TRIES = { byWeights: 24, bySamples: 12 }

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value))

export interface Effort {
  /** Levels of every tensor. */
  sparsities: readonly number[]
  /** Samples that judge each. */
  judges: number
  /** Choices of levels that are really pruned and judged, of which the best is taken. */
  tries: number
}

/**
 * What is measured of these tensors; `costs`: multiply-adds of one weight for a sample, by tensor; `method`:
 * whether it looks at samples; `work`: multiply-adds of all forward passes that judge levels, about.
 */
export function usualEffort(
  tensors: readonly Pick<Tensor, 'name' | 'shape'>[],
  costs: ReadonlyMap<string, number>,
  { method = 'byWeights', work = WORK }: { method?: keyof typeof MOST_TRIES; work?: number } = {},
): Effort {
  const pass = tensors.reduce((sum, { name, shape }) => sum + sizeOf(shape) * costOf(costs, name), 0)
  const judges = (levels: readonly number[]) => Math.floor(work / (pass * tensors.length * levels.length))
  const levels = judges(USUAL_LEVELS) >= SOME ? USUAL_LEVELS : FEW_LEVELS
  const each = clamp(judges(levels), FEWEST, MOST)
  const tries = Math.floor((TRIED * work) / (pass * (each + MOST)))
  return { sparsities: levels, judges: each, tries: clamp(tries, FEWEST_TRIES, MOST_TRIES[method]) }
}
