/** @file Which rows of a report stand out: those with the highest test accuracy. */
import type { RunGroup } from './groups.ts'
import { accuracyOf, spreadOf } from './groups-table.ts'

/**
 * Whether each group is the best of those that ask for the same sparsity, where there are several; where
 * there is no such sparsity, whether it is the best of all. Equal ones all are; a single group is none.
 */
export function bestOf(groups: readonly RunGroup[]): boolean[] {
  const accuracies = groups.map(({ runs }) => spreadOf(runs, accuracyOf)?.mean)
  const rivals = (of: (i: number) => boolean) => accuracies.filter((accuracy, i) => accuracy !== undefined && of(i))
  const alike = (group: RunGroup) => rivals((i) => groups[i].sparsity === group.sparsity)
  const shared = groups.some((group) => alike(group).length > 1)
  return groups.map((group, i) => {
    const others = shared ? alike(group) : rivals(() => true)
    return others.length > 1 && accuracies[i] === Math.max(...(others as number[]))
  })
}
