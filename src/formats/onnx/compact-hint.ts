/** @file Why a model is no smaller without the channels that it does not need. */
import type { CompactReport } from './compact-model.ts'

/** With a smaller share of zeros a file counts as dense. */
const SPARSE = 0.05

/** A sentence where no channel went, with what would let some go; undefined where one did. */
export function compactHint(
  { layers, parameters: { before, after } }: CompactReport,
  { size, zeros }: { size: number; zeros: number },
): string | undefined {
  if (after < before) return undefined
  const stay = layers.filter(({ stay }) => Object.keys(stay).length > 0)
  if (stay.length > 0)
    return `--compact left out nothing: channels that nothing needs stay in ${stay.length} layers, for the reasons in the table`
  const share = size > 0 ? zeros / size : 0
  const why =
    share < SPARSE
      ? 'no channel is zero, constant or unread'
      : `${(100 * share).toFixed(0)} % of the stored floats are zero, but scattered: every channel still has weights that are not`
  return `--compact left out nothing: ${why}; espalier prune --granularity channel removes whole channels`
}
