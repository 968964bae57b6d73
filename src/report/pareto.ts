/** @file Which of some networks no other one beats in both of two things. */

/** A network by what it costs, of which less is better, and by what it is worth. */
export interface Valued {
  cost: number
  worth: number
}

/**
 * Whether each of them is on the front: no other one is worth as much or more at no higher cost. Of equal
 * ones all are. What is not a number is never on it.
 */
export const onFront = (all: readonly Valued[]): boolean[] =>
  all.map(
    (one) =>
      Number.isFinite(one.cost) &&
      Number.isFinite(one.worth) &&
      !all.some(({ cost, worth }) => cost <= one.cost && worth >= one.worth && (cost < one.cost || worth > one.worth)),
  )
