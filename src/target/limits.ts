/** @file What a network may take, and what pruning may cost. */
import { checkNumber } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { OWN_NAMES, type Targets } from './search.ts'

/** One or more of them. */
export interface Limits extends Targets {
  /** Points of accuracy on the samples that judge, or the distance of outputs where no labels judge. */
  drop?: number
}

export type LimitNames = Readonly<Record<keyof Limits, string>>

export const LIMIT_NAMES: LimitNames = { ...OWN_NAMES, drop: 'drop' }

/** Throws UserError, naming the limit, where one is unknown or no size, and where there is none. */
export function checkLimits(limits: Limits, names: LimitNames): void {
  for (const [key, value] of Object.entries(limits)) {
    if (!Object.hasOwn(LIMIT_NAMES, key))
      throw new UserError(`limits: expected ${Object.keys(LIMIT_NAMES).join(', ')}, found ${key}`)
    const name = names[key as keyof Limits]
    if (value !== undefined) checkNumber(name, value, 'a number above 0', (x) => x > 0 && x < Number.POSITIVE_INFINITY)
  }
  if (Object.values(limits).every((limit) => limit === undefined))
    throw new UserError(`expected a target: ${Object.values(names).join(', ')}`)
}
