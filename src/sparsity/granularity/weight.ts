/**
 * @file Single weights: the granularity of most of the literature, and the only one that meets every count
 * exactly.
 */
import { selectWithin } from '../../select/two-budgets.ts'
import { UserError } from '../../util/errors.ts'
import { type Floor, floorText, leastOf } from '../floor.ts'
import type { MaskedLayer } from '../mask.ts'
import { type CostBudget, costOf } from '../multiply-adds.ts'
import { type Budget, type Granularity, plannedGroups } from './granularity.ts'

export const weight: Granularity = {
  summary: 'single weights, exact counts',
  write(layers, budget) {
    for (const { layers: group, keep } of plannedGroups(layers, budget)) {
      for (const layer of budget.floor ? group : []) {
        budget.select([layer], leastOf(layer, budget.floor))
        const { mask, scores } = layer
        mask.forEach((bit, i) => {
          if (bit === 1) scores[i] = Number.POSITIVE_INFINITY
        })
      }
      if (budget.multiplyAdds) selectAffordable(group, keep, budget, budget.multiplyAdds)
      else budget.select(group, keep)
    }
  },
}

/** At most `keep` weights that cost no more than they may. Throws UserError where floors alone cost more. */
function selectAffordable(
  group: readonly MaskedLayer[],
  keep: number,
  { floor }: Pick<Budget, 'floor'>,
  { costs, most }: CostBudget,
): void {
  if (floor) checkFloorCost(group, floor, { costs, most })
  selectWithin(
    group.map(({ scores }) => scores),
    group.map(({ name }) => costOf(costs, name)),
    { count: keep, cost: most },
    group.map(({ mask }) => mask),
  )
}

function checkFloorCost(group: readonly MaskedLayer[], floor: Floor, { costs, most }: CostBudget): void {
  const least = group.reduce((sum, layer) => sum + leastOf(layer, floor) * costOf(costs, layer.name), 0)
  if (least > most)
    throw new UserError(
      `a floor of ${floorText(floor)} in every layer needs ${least} multiply-adds, the share that may stay is ${most}`,
    )
}
