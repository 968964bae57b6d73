/**
 * @file FALCON in a stage: masks by discrete first-order steps under both budgets of the stage, then the
 * systematic update. Stages of shrinking budgets with new gradients are the paper's FALCON++.
 */

import { FIRST_ORDER } from '../chita/stage.ts'
import { valuesOf } from '../fisher/parts.ts'
import { usualDamping } from '../options.ts'
import type { Proposal, Stage } from '../stage.ts'
import { updatedMasks } from '../updates.ts'
import { falconSupport } from './formulas.ts'

export function proposeFalcon(stage: Stage): Proposal {
  // Gradients have a phase of their own.
  stage.columns.all()
  const masks = stage.clock.timed('search', () => chosen(stage))
  return { tried: [updatedMasks(stage, masks)] }
}

function chosen({ columns, weights, keep, multiplyAdds, space, settings }: Stage): Float32Array[] {
  const { method, fisher, firstOrder, lambda = usualDamping(method, fisher) } = settings
  const blocks = [...columns.blocks(columns.all())]
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
}
