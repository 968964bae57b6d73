/** @file The smallest budget whose network, really pruned, still does well enough. */

export interface Attempt<T> {
  /** What pruning to the budget costs: points of accuracy, or the distance of outputs. */
  drop: number
  made: T
}

/**
 * Halves an interval of budgets, in proportion, `steps` times: a budget that does well enough becomes its
 * upper end. `attempt` prunes to a budget and says what that costs; undefined where the budget cannot be met.
 * Returns the last attempt that did well enough, if any did, and the least drop that was seen.
 */
export async function smallestBudget<T>(
  [from, to]: readonly [number, number],
  maxDrop: number,
  attempt: (budget: number) => Promise<Attempt<T> | undefined>,
  steps = 7,
): Promise<{ best?: Attempt<T> & { budget: number }; nearest?: number }> {
  let [low, high] = [from, to]
  let best: (Attempt<T> & { budget: number }) | undefined
  let nearest: number | undefined
  for (let step = 0; step < steps; step++) {
    const budget = Math.sqrt(low * high)
    const found = await attempt(budget)
    if (found) nearest = Math.min(nearest ?? found.drop, found.drop)
    if (found && found.drop <= maxDrop) {
      best = { ...found, budget }
      high = budget
    } else low = budget
  }
  return { best, nearest }
}
