/** @file The lowering of every operator that the engine knows. */
import type { Node } from '../../graph/operator.ts'
import type { Lowering } from '../lowering.ts'
import { batch } from './batch.ts'
import { conv } from './conv.ts'
import { elementwise } from './elementwise.ts'
import { int8 } from './int8.ts'
import { linear } from './linear.ts'
import { loss } from './loss.ts'
import { moving } from './moving.ts'
import { norm } from './norm.ts'
import { pooling } from './pooling.ts'
import { select } from './select.ts'
import { shape } from './shape.ts'
import { sparse } from './sparse.ts'
import { update } from './update.ts'

const lowerings: Record<string, Lowering> = {
  ...elementwise,
  ...shape,
  ...linear,
  ...conv,
  ...sparse,
  ...int8,
  ...moving,
  ...norm,
  ...pooling,
  ...loss,
  ...select,
  ...update,
  ...batch,
}

/** How a node becomes kernel calls. Throws where its operator has no kernel. */
export function loweringOf(node: Node): Lowering {
  const lowering = lowerings[node.operator.name]
  if (!lowering) throw new Error(`the engine has no kernel for the operator ${node.operator.name}`)
  return lowering
}
