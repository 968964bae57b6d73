/** @file CHITA in a stage: masks by sparse regression on the gradients. The systematic update follows. */
import { valuesOf } from '../fisher/parts.ts'
import { usualDamping } from '../options.ts'
import type { Stage } from '../stage.ts'
import { chitaSupport } from './formulas.ts'

/**
 * g of the first-order term in the choice of CHITA and FALCON. With 1, the regression asks every sample's
 * loss to fall by 1, more than most have.
 */
export const FIRST_ORDER = 0.3

export function chitaMasks({ columns, weights, keep, space, settings, clock }: Stage): Float32Array[] {
  const { method, fisher, firstOrder, lambda = usualDamping(method, fisher) } = settings
  // Gradients have a phase of their own.
  const all = columns.all()
  return clock.timed('search', () => {
    const blocks = [...columns.blocks(all)]
    const parts = blocks.flatMap((block) => block.parts)
    const g = firstOrder === 'search' ? FIRST_ORDER : firstOrder
    const found = chitaSupport(space, blocks, valuesOf(parts, weights), { keep, lambda, firstOrder: g })
    const masks = weights.map(({ length }) => new Float32Array(length))
    valuesOf(parts, masks).forEach((mask, i) => void mask.set(found[i]))
    return masks
  })
}
