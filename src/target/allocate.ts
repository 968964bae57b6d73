/**
 * @file Chooses a level for every layer: the least sum of losses whose sums of costs stay within budgets. That
 * is the multiple-choice knapsack problem, solved layer by layer by dynamic programming, as SPDY does (Frantar
 * & Alistarh 2022, section 3.1), but with one or more budgets at once.
 *
 * A state is what the layers so far came to. Of the states whose costs fall into the same cell of a grid over
 * the budgets the one with the least loss stays, with its true costs, so that a budget is never exceeded by
 * rounding; the loss is at most that of the best choice within budgets smaller by one cell a layer.
 */
import { UserError } from '../util/errors.ts'

/** What a level of a layer comes to. */
export interface Option {
  /** What it adds to the loss of the network. */
  loss: number
  /** What it costs, one number for each budget. */
  costs: readonly number[]
}

export interface Allocation {
  /** The level of every layer, an index into its options. */
  levels: number[]
  loss: number
  costs: number[]
}

/** Sums of the same costs in another order may differ by so much. */
const ROUNDING = 1e-12

/** Cells along each axis of the grid, by the number of budgets. */
const CELLS = [1, 10_000, 400, 60] as const

/**
 * The choice for `layers`, each with one option or more. Throws UserError where not even the cheapest options
 * fit, or no choice meets several budgets at once; {@link cheapest} says what can be had.
 */
export function allocate(layers: readonly (readonly Option[])[], budgets: readonly number[]): Allocation {
  const cells = CELLS[budgets.length]
  if (cells === undefined) throw new Error(`expected at most three budgets, found ${budgets.length}`)
  const least = layers.map((options) => budgets.map((_, k) => Math.min(...options.map(({ costs }) => costs[k]))))
  // What is left of every budget where all later layers take their cheapest options.
  const slack = budgets.map((budget, k) => budget * (1 + ROUNDING) - least.reduce((sum, costs) => sum + costs[k], 0))
  const refuse = (reason: string): never => {
    throw new UserError(`the budgets cannot be met: ${reason}`)
  }
  if (slack.some((left) => left < 0)) refuse('not even the cheapest level of every layer fits')
  let states: State[] = [{ loss: 0, spent: budgets.map(() => 0) }]
  layers.forEach((options, l) => {
    const best = new Map<number, State>()
    for (const before of states)
      for (const [level, { loss, costs }] of options.entries()) {
        const spent = before.spent.map((x, k) => x + costs[k] - least[l][k])
        if (spent.some((x, k) => x > slack[k])) continue
        const cell = spent.reduce((at, x, k) => at * cells + cellOf(x, slack[k], cells), 0)
        const total = before.loss + loss
        const rival = best.get(cell)
        if (rival && (rival.loss < total || (rival.loss === total && !isLess(spent, rival.spent)))) continue
        best.set(cell, { loss: total, spent, level, before })
      }
    states = undominated([...best.values()])
    if (states.length === 0) refuse('each can, but not all of them together')
  })
  const found = states.reduce((a, b) => (b.loss < a.loss || (b.loss === a.loss && isLess(b.spent, a.spent)) ? b : a))
  const levels = levelsOf(found)
  const costs = budgets.map((_, k) => layers.reduce((sum, options, l) => sum + options[levels[l]].costs[k], 0))
  return { levels, loss: found.loss, costs }
}

/** The least that each cost can be, by itself. */
export const cheapest = (layers: readonly (readonly Option[])[], cost: number): number =>
  layers.reduce((sum, options) => sum + Math.min(...options.map(({ costs }) => costs[cost])), 0)

interface State {
  loss: number
  /** Of every budget, beyond the cheapest options. */
  spent: number[]
  level?: number
  before?: State
}

const cellOf = (spent: number, slack: number, cells: number): number =>
  slack > 0 ? Math.min(cells - 1, Math.floor((spent / slack) * cells)) : 0

/** Whether `a` is smaller at the first place where they differ. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  const k = a.findIndex((x, i) => x !== b[i])
  return k >= 0 && a[k] < b[k]
}

/** With one budget, the states that no cheaper one is as good as. */
function undominated(states: State[]): State[] {
  if (states[0]?.spent.length !== 1) return states
  const sorted = states.sort((a, b) => a.spent[0] - b.spent[0] || a.loss - b.loss)
  let least = Number.POSITIVE_INFINITY
  return sorted.filter(({ loss }) => {
    const stays = loss < least
    least = Math.min(least, loss)
    return stays
  })
}

function levelsOf(last: State): number[] {
  const levels: number[] = []
  for (let state: State | undefined = last; state?.level !== undefined; state = state.before)
    levels.unshift(state.level)
  return levels
}
