/**
 * @file What a method of second-order pruning is made of: weights to start from, a search that exchanges
 * them, and an update of those that are left. These are chosen independently; the names of methods stand for
 * usual choices.
 */
import type { FisherBlocks } from './fisher/parts.ts'
import type { SecondOrderMethod } from './names.ts'

/** Starts that can be asked for, and those that methods have to themselves. */
export const startNames = ['random-magnitude', 'magnitude', 'woodfisher', 'woodtaylor', 'random'] as const
export type StartName = (typeof startNames)[number]
export type OwnStart = 'obd' | 'chita' | 'falcon'

export const searchNames = ['none', 'global', 'layer'] as const
/** Whether weights are exchanged: never, across all tensors, or within each of them. */
export type SearchName = (typeof searchNames)[number]

export const updateNames = ['none', 'single', 'multiple'] as const
/** None, the sum of single weights' steps (WoodFisher), or the joint step of all (CBS-U). */
export type UpdateName = (typeof updateNames)[number]

export interface Composition {
  /** `masks`: given ones, such as those of a file. */
  start: StartName | OwnStart | 'masks'
  search: SearchName
  update: UpdateName
}

const presets: Record<SecondOrderMethod, Composition> = {
  magnitude: { start: 'magnitude', search: 'none', update: 'none' },
  obd: { start: 'obd', search: 'none', update: 'none' },
  woodfisher: { start: 'woodfisher', search: 'none', update: 'single' },
  woodtaylor: { start: 'woodtaylor', search: 'none', update: 'single' },
  // WoodFisher's formulas with another inverse.
  kfac: { start: 'woodfisher', search: 'none', update: 'single' },
  'cbs-select': { start: 'random-magnitude', search: 'global', update: 'none' },
  'cbs-update': { start: 'magnitude', search: 'none', update: 'multiple' },
  cbs: { start: 'random-magnitude', search: 'global', update: 'multiple' },
  chita: { start: 'chita', search: 'none', update: 'multiple' },
  falcon: { start: 'falcon', search: 'none', update: 'multiple' },
}

/** What is asked for beside a method; a start that is no name stands for masks. */
export interface AskedComposition {
  start?: unknown
  search?: unknown
  update?: unknown
}

/** The choices of a method, but for those that are asked for. What is no choice is left out. */
export function compose(method: SecondOrderMethod, { start, search, update }: AskedComposition = {}): Composition {
  const usual = presets[method]
  return {
    start: start === undefined ? usual.start : isStartName(start) ? start : 'masks',
    search: searchNames.find((name) => name === search) ?? usual.search,
    update: updateNames.find((name) => name === update) ?? usual.update,
  }
}

export const isStartName = (value: unknown): value is StartName => startNames.some((name) => name === value)

/** Whether weights are ranked by scores at the start. */
export const startsByScores = ({ start }: Composition): boolean =>
  start !== 'masks' && start !== 'random-magnitude' && start !== 'random' && start !== 'chita'

/** Whether scores of weights come from gradients. */
const scoresByGradients = ({ start }: Composition): boolean =>
  start === 'obd' || start === 'woodfisher' || start === 'woodtaylor'

/** Whether masks come from sparse regression on the gradients. */
export const isRegression = ({ start }: Composition): boolean => start === 'chita' || start === 'falcon'

export const usesGradients = (composition: Composition): boolean =>
  scoresByGradients(composition) ||
  isRegression(composition) ||
  composition.search !== 'none' ||
  composition.update !== 'none'

/** Whether the Fisher matrix is damped for anything. */
export const usesDamping = (composition: Composition): boolean =>
  scoresByGradients(composition) || isRegression(composition) || composition.update !== 'none'

/**
 * Which gradients must be in memory at a time: those of all weights, of the weights of a block, or of any
 * weight alone.
 */
export type Walk = 'together' | 'blocks' | 'columns'

export function walkOf(composition: Composition): Walk {
  if (composition.search !== 'none' || isRegression(composition)) return 'together'
  return composition.update === 'none' && composition.start !== 'woodfisher' && composition.start !== 'woodtaylor'
    ? 'columns'
    : 'blocks'
}

/**
 * Whether a budget of multiply-adds can be kept: where the start weighs scores of single weights, and no
 * search exchanges them afterwards.
 */
export const knowsFlops = (composition: Composition): boolean =>
  startsByScores(composition) && composition.search === 'none'

/** Whether tensors may keep shares of their own: not where weights of all compete, or masks are given. */
export function knowsTensors({ start, search }: Composition): boolean {
  const apart = start === 'random' || startsByScores({ start, search, update: 'none' })
  return apart && start !== 'falcon' && search !== 'global'
}

/**
 * What a stage leaves of the weights that were left, for one block of all weights: the quadratic model holds
 * near the weights only, and many small stages of few gradients serve it better than few large ones of many.
 * Undefined where one stage is as good as many.
 */
function staysOf(composition: Composition): number | undefined {
  const { start, search, update } = composition
  if (start === 'masks') return undefined
  if (update === 'none') return search === 'none' && scoresByGradients(composition) ? 0.8 : undefined
  return update === 'multiple' && search === 'none' && !isRegression(composition) ? 0.96 : 0.92
}

/** The same for several blocks, whose networks take longer to judge. */
const STAYS_OF_BLOCKS = 1 / 2

/** How many stages it takes to get from `before` weights to `kept`. Selection alone has one. */
export function usualStages(composition: Composition, fisher: FisherBlocks, before: number, kept: number): number {
  const own = staysOf(composition)
  if (own === undefined || kept === 0) return 1
  const stays = fisher === 'full' || composition.update === 'none' ? own : STAYS_OF_BLOCKS
  return Math.max(1, Math.ceil(Math.log(kept / before) / Math.log(stays) - 1e-9))
}

/** Whether it is done in one stage where no number is asked for. */
export const hasOneStage = (composition: Composition): boolean => staysOf(composition) === undefined
