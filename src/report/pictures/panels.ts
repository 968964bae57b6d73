/** @file Pictures with a panel for every group of runs: which groups get one. */
import { labelOf, type RunGroup } from '../groups.ts'

/** Of groups with something to show, the first few; `left` says how many have none. */
export function panels<T>(
  groups: readonly RunGroup[],
  most: number,
  of: (group: RunGroup) => T | undefined,
): { panels: { label: string; value: T }[]; left: string } {
  const found: { label: string; value: T }[] = []
  let left = 0
  for (const group of groups) {
    const value = found.length < most ? of(group) : undefined
    if (value !== undefined) found.push({ label: labelOf(group), value })
    else if (found.length === most) left++
  }
  return { panels: found, left: left > 0 ? ` The first ${most} of ${groups.length} groups.` : '' }
}

/** The part of a specification that lays out the panels, by the field `panel`. */
export const grid = (found: readonly { label: string }[]) => ({
  columns: 3,
  spacing: { row: 18, column: 34 },
  facet: {
    field: 'panel',
    type: 'nominal' as const,
    sort: found.map(({ label }) => label),
    header: { labelAnchor: 'start' as const },
  },
})
