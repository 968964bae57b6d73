/**
 * @file Chooses a level for every layer: the least sum of losses whose sums of costs stay within budgets.
 * That is the multiple-choice knapsack problem, solved layer by layer by dynamic programming, as SPDY does
 * (Frantar & Alistarh 2022, section 3.1), but with one or more budgets at once.
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
const CELLS = [1, 10_000, 200, 40] as const

/**
 * The choice for `layers`, each with one option or more. Throws UserError where not even the cheapest options
 * fit, or no choice meets several budgets at once; {@link cheapest} says what can be had.
 */
export function allocate(layers: readonly (readonly Option[])[], budgets: readonly number[]): Allocation {
  const cells = CELLS[budgets.length]
  if (cells === undefined) throw new Error(`expected at most three budgets, found ${budgets.length}`)
  const refuse = (reason: string): never => {
    throw new UserError(`the budgets cannot be met: ${reason}`)
  }
  // What a layer spends is counted from its cheapest option, since that has to be spent in any case.
  const least = layers.map((options) => budgets.map((_, k) => Math.min(...options.map(({ costs }) => costs[k]))))
  const slack = budgets.map((budget, k) => budget * (1 + ROUNDING) - least.reduce((sum, costs) => sum + costs[k], 0))
  if (slack.some((left) => left < 0)) refuse('not even the cheapest level of every layer fits')

  const tables = [new Table(1, budgets.length)]
  tables[0].put(
    0,
    0,
    budgets.map(() => 0),
    { level: 0, from: 0 },
  )
  const spent = budgets.map(() => 0)
  layers.forEach((options, l) => {
    const [before, after] = [tables[l], new Table(cells ** budgets.length, budgets.length)]
    for (const from of before.occupied())
      for (const [level, { loss, costs }] of options.entries()) {
        let cell = 0
        let fits = true
        for (let k = 0; k < budgets.length; k++) {
          spent[k] = before.spent[k][from] + costs[k] - least[l][k]
          fits &&= spent[k] <= slack[k]
          cell = cell * cells + cellOf(spent[k], slack[k], cells)
        }
        if (fits) after.put(cell, before.loss[from] + loss, spent, { level, from })
      }
    if (budgets.length === 1) after.dropDominated()
    if (after.occupied().length === 0) refuse('each can, but not all of them together')
    tables.push(after)
  })
  const levels = levelsOf(tables)
  const costs = budgets.map((_, k) => layers.reduce((sum, options, l) => sum + options[levels[l]].costs[k], 0))
  return { levels, loss: layers.reduce((sum, options, l) => sum + options[levels[l]].loss, 0), costs }
}

/** The least that each cost can be, by itself. */
export const cheapest = (layers: readonly (readonly Option[])[], cost: number): number =>
  layers.reduce((sum, options) => sum + Math.min(...options.map(({ costs }) => costs[cost])), 0)

const cellOf = (spent: number, slack: number, cells: number): number =>
  slack > 0 ? Math.min(cells - 1, Math.floor((spent / slack) * cells)) : 0

/** The states after a layer: at most one in each cell of the grid. */
class Table {
  readonly loss: Float64Array
  /** Of every budget, by cell. */
  readonly spent: Float64Array[]
  /** The option of the layer, and the cell of the state before it. */
  readonly level: Uint16Array
  readonly from: Int32Array

  constructor(cells: number, budgets: number) {
    this.loss = new Float64Array(cells).fill(Number.POSITIVE_INFINITY)
    this.spent = Array.from({ length: budgets }, () => new Float64Array(cells))
    this.level = new Uint16Array(cells)
    this.from = new Int32Array(cells)
  }

  /** Keeps the state with the least loss; of equal ones that which spends less of the first budget. */
  put(cell: number, loss: number, spent: readonly number[], step: { level: number; from: number }): void {
    const worse = loss > this.loss[cell] || (loss === this.loss[cell] && !(spent[0] < this.spent[0]?.[cell]))
    if (worse && this.loss[cell] < Number.POSITIVE_INFINITY) return
    this.loss[cell] = loss
    for (let k = 0; k < spent.length; k++) this.spent[k][cell] = spent[k]
    this.level[cell] = step.level
    this.from[cell] = step.from
  }

  /** Drops states that a cheaper one is as good as, where cells ascend by a single budget. */
  dropDominated(): void {
    let least = Number.POSITIVE_INFINITY
    for (let cell = 0; cell < this.loss.length; cell++) {
      if (this.loss[cell] < least) least = this.loss[cell]
      else this.loss[cell] = Number.POSITIVE_INFINITY
    }
  }

  occupied(): number[] {
    const cells: number[] = []
    for (let cell = 0; cell < this.loss.length; cell++) if (this.loss[cell] < Number.POSITIVE_INFINITY) cells.push(cell)
    return cells
  }
}

/** The options that led to the state with the least loss. */
function levelsOf(tables: readonly Table[]): number[] {
  const last = tables.at(-1)!
  let cell = last.occupied().reduce((a, b) => (last.loss[b] < last.loss[a] ? b : a))
  const levels: number[] = []
  for (const table of tables.slice(1).reverse()) {
    levels.unshift(table.level[cell])
    cell = table.from[cell]
  }
  return levels
}
