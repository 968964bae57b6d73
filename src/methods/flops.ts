/**
 * @file A budget of multiply-adds beside the sparsity, as methods are asked for it: which of them know one,
 * and what it is at an event of a schedule.
 */
import type { PruningEvent } from '../sparsity/schedule.ts'
import type { ScopeName } from '../sparsity/scope.ts'
import { checkNumber } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'

/** A share of the dense multiply-adds; undefined passes. Throws UserError. */
export const checkFlopShare = (name: string, value: unknown): void =>
  checkNumber(name, value, 'a share of the multiply-adds above 0 and at most 1', (x) => x > 0 && x <= 1)

/** The share that may stay after an event, which falls from 1 to the final one as the density does. */
export const flopsAt = (event: Pick<PruningEvent, 'at'>, flops: number | undefined): number | undefined =>
  flops === undefined ? undefined : 1 - event.at(1 - flops)

/**
 * Throws UserError, beginning with `name`, where a method, called `called`, knows no budget of multiply-adds,
 * or none with this scope.
 */
export function checkFlops(
  name: string,
  called: string,
  method: { readonly flops: boolean },
  { flops, scope }: { flops?: number; scope: ScopeName },
): void {
  if (flops === undefined) return
  checkFlopShare(name, flops)
  if (!method.flops)
    throw new UserError(
      `${name}: ${called} does not choose weights by scores that a budget of multiply-adds could weigh`,
    )
  if (scope !== 'global')
    throw new UserError(`${name}: needs one ranking over all layers, expected scope global, found ${scope}`)
}
