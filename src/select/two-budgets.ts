/**
 * @file Selects scores under two budgets together, a number of them and what they cost, as Meng et al. 2024
 * (FALCON, arXiv 2403.07094, its integer program of nonzeros and FLOPs):
 *
 *   maximize the sum of s_i z_i   subject to   sum of z_i <= S,  sum of f_i z_i <= F,  z_i in {0, 1}.
 *
 * All scores of a tensor cost the same, so that of tensors of equal cost the best are taken, and what is
 * searched for is how many of each cost. For a price l of the second budget, the best selection under the
 * first one is the S largest of s - l f, as far as they are above 0; the price is the lowest that keeps the
 * second budget, found by bisection down to neighbouring floats. What the two budgets then leave is spent by
 * exchanges, each of which raises the sum.
 *
 * The sum is within one score of the optimum of the relaxation to 0 <= z <= 1, which has at most two
 * fractions.
 */
import { type Scores, selectTop } from './top.ts'

export interface Budgets {
  /** S: how many are selected at most. */
  count: number
  /** F: what they cost together at most. */
  cost: number
}

/**
 * Writes 1 at the selected scores and 0 elsewhere. masks[t] has the length of scores[t], each of which costs
 * costs[t] (0 or more). Where the `count` largest scores fit into the budget of cost, those are selected,
 * exactly as by `selectTop`. Otherwise the sum counts; what is left of both budgets goes to the largest
 * scores that fit, even where they are 0 or below. Of equal scores of equal cost the earlier tensor and the
 * lower index is first, of others the cheaper one. Infinite scores are selected in any case, those of
 * -Infinity never. Scores must not be NaN. It takes O(n log n). Throws where the infinite ones exceed a
 * budget.
 */
export function selectWithin(
  scores: readonly Scores[],
  costs: readonly number[],
  { count: most, cost }: Budgets,
  masks: readonly Scores[],
): void {
  const budgets = { count: Math.min(most, selectable(scores)), cost }
  selectTop(scores, budgets.count, masks)
  const spent = masks.reduce((sum, mask, t) => sum + costs[t] * onesOf(mask), 0)
  if (spent <= cost) return
  for (const { members, sorted, taken } of new Selection(scores, costs, budgets).classes)
    writeTop(
      members.map((t) => scores[t]),
      sorted,
      taken,
      members.map((t) => masks[t]),
    )
}

/** How many scores are not -Infinity. */
function selectable(scores: readonly Scores[]): number {
  let count = 0
  for (const tensor of scores)
    for (let i = 0; i < tensor.length; i++) if (tensor[i] !== Number.NEGATIVE_INFINITY) count++
  return count
}

function onesOf(mask: Scores): number {
  let ones = 0
  for (let i = 0; i < mask.length; i++) ones += mask[i]
  return ones
}

/** The scores of one cost. */
interface CostClass {
  readonly cost: number
  /** Tensors, in order. */
  readonly members: readonly number[]
  /** Their scores from the largest, without those of -Infinity. */
  readonly sorted: Float64Array
  /** How many of them are selected. */
  taken: number
}

class Selection {
  /** From the cheapest. */
  readonly classes: readonly CostClass[]
  readonly #budgets: Budgets

  constructor(scores: readonly Scores[], costs: readonly number[], budgets: Budgets) {
    this.#budgets = budgets
    this.classes = [...new Set(costs)]
      .sort((a, b) => a - b)
      .map((cost) => {
        const members = costs.flatMap((other, t) => (other === cost ? [t] : []))
        return { cost, members, sorted: sortedScores(members.map((t) => scores[t])), taken: 0 }
      })
    this.#take(this.#priced())
    if (this.#room < 0 || this.#left < 0) throw new Error('scores that have to be selected exceed a budget')
    while (this.#exchange());
    while (this.#add());
  }

  /** How many more can be selected. */
  get #room(): number {
    return this.#budgets.count - this.classes.reduce((sum, { taken }) => sum + taken, 0)
  }

  /** What is left of the budget of cost. */
  get #left(): number {
    return this.#budgets.cost - this.#costOf(this.classes.map(({ taken }) => taken))
  }

  #costOf(counts: readonly number[]): number {
    return counts.reduce((sum, count, c) => sum + count * this.classes[c].cost, 0)
  }

  #take(counts: readonly number[]): void {
    this.classes.forEach((one, c) => {
      one.taken = counts[c]
    })
  }

  /** The best counts at the lowest price that keeps the budget of cost. */
  #priced(): number[] {
    const free = this.#bestAt(0)
    if (this.#costOf(free) <= this.#budgets.cost) return free
    let [low, high] = [0, this.#highestPrice()]
    let best = this.classes.map(({ sorted }) => countWhere(sorted, isInfinite))
    for (let price = (low + high) / 2; price > low && price < high; price = (low + high) / 2) {
      const counts = this.#bestAt(price)
      if (this.#costOf(counts) > this.#budgets.cost) low = price
      else [high, best] = [price, counts]
    }
    return best
  }

  /** Where nothing that is finite is worth its price. */
  #highestPrice(): number {
    return this.classes.reduce((most, { cost, sorted }) => {
      return cost > 0 ? Math.max(most, largestFinite(sorted) / cost) : most
    }, 0)
  }

  /**
   * By class, how many are among the `count` largest of score - price cost and above 0; ties to the cheaper.
   */
  #bestAt(price: number): number[] {
    const { count } = this.#budgets
    const above = (least: number) =>
      this.classes.map(({ cost, sorted }) => countWhere(sorted, (score) => score - price * cost > least))
    let [low, least] = [0, above(0)]
    if (total(least) <= count) return least
    let high = Math.max(...this.classes.map(({ cost, sorted }) => largestFinite(sorted) - price * cost))
    let most = least
    least = above(high)
    for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
      const counts = above(middle)
      if (total(counts) > count) [low, most] = [middle, counts]
      else [high, least] = [middle, counts]
    }
    let room = count - total(least)
    return least.map((sure, c) => {
      const ties = Math.max(0, Math.min(room, most[c] - sure))
      room -= ties
      return sure + ties
    })
  }

  /**
   * Adds the next score of a class, in the place of the last one of another or without taking one away:
   * whatever raises the sum most. Returns whether something does.
   */
  #exchange(): boolean {
    const [room, left] = [this.#room, this.#left]
    let best = { gain: 0, make: () => {} }
    for (const to of this.classes) {
      const next = nextOf(to)
      if (next === undefined) continue
      if (room > 0 && to.cost <= left && next > best.gain) best = { gain: next, make: () => void to.taken++ }
      for (const from of this.classes) {
        if (from === to || from.taken === 0 || to.cost - from.cost > left) continue
        const gain = next - from.sorted[from.taken - 1]
        if (!(gain > best.gain)) continue
        best = {
          gain,
          make() {
            to.taken++
            from.taken--
          },
        }
      }
    }
    best.make()
    return best.gain > 0
  }

  /** Adds the largest score that fits. Returns whether one does. */
  #add(): boolean {
    const [room, left] = [this.#room, this.#left]
    const fitting = room > 0 ? this.classes.filter((one) => nextOf(one) !== undefined && one.cost <= left) : []
    if (fitting.length === 0) return false
    fitting.reduce((a, b) => (nextOf(b)! > nextOf(a)! ? b : a)).taken++
    return true
  }
}

const nextOf = ({ sorted, taken }: CostClass): number | undefined => sorted[taken]

const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)

const isInfinite = (score: number) => score === Number.POSITIVE_INFINITY

const largestFinite = (sorted: Float64Array): number =>
  sorted[countWhere(sorted, isInfinite)] ?? Number.NEGATIVE_INFINITY

/** All scores but those of -Infinity, from the largest. */
function sortedScores(tensors: readonly Scores[]): Float64Array {
  const all = new Float64Array(tensors.reduce((n, { length }) => n + length, 0))
  let at = 0
  for (const tensor of tensors) {
    all.set(tensor, at)
    at += tensor.length
  }
  all.sort().reverse()
  return all.subarray(
    0,
    countWhere(all, (score) => score > Number.NEGATIVE_INFINITY),
  )
}

/** How many of a list begin it that fulfil a condition which holds for its first ones only. */
function countWhere(list: Float64Array, holds: (value: number) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(list[middle])) low = middle + 1
    else high = middle
  }
  return low
}

/** Masks of the first `count` of sorted scores, of equal ones those that come first in the tensors. */
function writeTop(tensors: readonly Scores[], sorted: Float64Array, count: number, masks: readonly Scores[]): void {
  const least = count > 0 ? sorted[count - 1] : Number.POSITIVE_INFINITY
  let ties = count - countWhere(sorted, (score) => score > least)
  tensors.forEach((tensor, t) => {
    for (let i = 0; i < tensor.length; i++)
      masks[t][i] = tensor[i] > least || (tensor[i] === least && ties-- > 0) ? 1 : 0
  })
}
