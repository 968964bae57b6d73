/** @file Chooses the groups of runs that get a panel in a picture, and lays the panels out. */
import { labelOf, type RunGroup } from '../groups.ts'

/** The first few groups that have something to show. `left` is a sentence about the others, or empty. */
export function panels<T>(
  groups: readonly RunGroup[],
  most: number,
  of: (group: RunGroup) => T | undefined,
): { panels: { label: string; value: T }[]; left: string } {
  const chosen: { label: string; value: T }[] = []
  let left = 0
  for (const group of groups) {
    const value = chosen.length < most ? of(group) : undefined
    if (value !== undefined) chosen.push({ label: labelOf(group), value })
    else if (chosen.length === most) left++
  }
  return { panels: chosen, left: left > 0 ? ` The first ${most} of ${groups.length} groups.` : '' }
}

/** The part of a specification that lays out the panels, by the field `panel`. */
export const grid = (drawn: readonly { label: string }[]) => ({
  columns: 3,
  spacing: { row: 18, column: 34 },
  facet: {
    field: 'panel',
    type: 'nominal' as const,
    sort: drawn.map(({ label }) => label),
    header: { labelAnchor: 'start' as const },
  },
})
