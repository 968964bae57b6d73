/**
 * @file Operators of the domain com.microsoft, into which ONNX Runtime joins others. Documented in its
 * docs/ContribOperators.md; compared with its CPU provider.
 */
import type { Translator } from '../../scope.ts'
import { attentions } from './attention.ts'
import { gelus } from './gelus.ts'
import { groupQuery } from './group-query.ts'
import { nBits } from './n-bits.ts'
import { normalizations } from './normalizations.ts'
import { fusedProducts } from './products.ts'

const own: Record<string, Translator> = {
  ...attentions,
  ...fusedProducts,
  ...gelus,
  GroupQueryAttention: groupQuery,
  ...nBits,
  ...normalizations,
}

export const runtime: Record<string, Translator> = Object.fromEntries(
  Object.entries(own).map(([name, translator]) => [`com.microsoft.${name}`, translator]),
)
