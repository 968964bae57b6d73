/** @file Which damping second-order pruning takes where none is asked for and no loss chooses one. */
import { type Composition, isRegression, usesDamping } from './composition.ts'
import type { FisherBlocks } from './fisher/parts.ts'
import type { SecondOrderMethod } from './names.ts'
import { usualDamping } from './options.ts'

/** Of OBD where none is asked for, in units of the tensor's mean; none in faithful mode. */
export const OBD_DAMPING = 1

/**
 * The one damping that stands for none being asked for: pruning with it is the same. Undefined where there is
 * none such: where nothing is damped, or the loss chooses the damping of updates, or start and update are
 * damped differently.
 */
export function impliedDamping(
  method: SecondOrderMethod,
  composition: Composition,
  { fisher, faithful }: { fisher: FisherBlocks; faithful: boolean },
): number | undefined {
  const { start, update } = composition
  if (!usesDamping(composition)) return undefined
  if (start === 'obd') return update === 'none' && !faithful ? OBD_DAMPING : undefined
  if (update === 'multiple' && (!faithful || isRegression(composition))) return undefined
  return usualDamping(method, method === 'kfac' ? 'layer' : fisher)
}
