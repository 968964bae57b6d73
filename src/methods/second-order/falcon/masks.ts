/**
 * @file FALCON in a stage: masks by discrete first-order steps under both budgets of the stage; the
 * systematic update follows. Stages of shrinking budgets with new gradients are the paper's FALCON++.
 */

import { FIRST_ORDER } from '../chita/masks.ts'
import { valuesOf } from '../fisher/parts.ts'
import { usualDamping } from '../options.ts'
import type { Stage } from '../stage.ts'
import { falconSupport } from './formulas.ts'

export function falconMasks(stage: Stage): Float32Array[] {
  const { columns, weights, keep, multiplyAdds, space, settings, clock } = stage
  const { method, fisher, firstOrder, lambda = usualDamping(method, fisher) } = settings
  // Gradients have a phase of their own.
  const all = columns.all()
  return clock.timed('search', () => {
    const blocks = [...columns.blocks(all)]
    const parts = blocks.flatMap((block) => block.parts)
    const found = falconSupport(space, blocks, valuesOf(parts, weights), {
      keep,
      costs: parts.map(({ tensor }) => multiplyAdds?.costs[tensor] ?? 0),
      most: multiplyAdds?.most ?? Number.POSITIVE_INFINITY,
      lambda,
      firstOrder: firstOrder === 'search' ? FIRST_ORDER : firstOrder,
    })
    const masks = weights.map(({ length }) => new Float32Array(length))
    valuesOf(parts, masks).forEach((mask, i) => void mask.set(found[i]))
    return masks
  })
}
