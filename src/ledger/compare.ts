/**
 * @file A record beside what came of doing it again: counts have to be the same; on the same instruction set
 * all has to be, to the bit; on another one accuracies may differ by a tolerance.
 */
import { countsOf, type PruneRecord } from './record.ts'

/** What is compared of a record, or of a run, which has no hash of its tensors. */
export interface Claim extends Pick<PruneRecord, 'layers' | 'dense' | 'final'> {
  result?: string
  gradients?: number
  images?: number
  environment: Pick<PruneRecord['environment'], 'instructions'>
}

/** What came of it here; what is absent was not measured. */
export interface Again {
  layers: PruneRecord['layers']
  /** Hash of the tensors. */
  result?: string
  dense?: PruneRecord['dense']
  final?: PruneRecord['final']
  gradients?: number
  images?: number
  instructions: string
  /** Where the tensors are given: then they have to be those of the record on any instruction set. */
  given?: boolean
}

/** One thing that was compared. */
export interface Finding {
  what: 'counts' | 'accuracy' | 'weights' | 'cost'
  holds: boolean
  /** A sentence without its full stop. */
  text: string
}

/** `tolerance`: in points of percent. */
export function compared(record: Claim, again: Again, tolerance: number): Finding[] {
  const same = again.instructions === record.environment.instructions
  return [
    countsFinding(record, again),
    ...(again.final ? [accuracyFinding(record, { ...again, final: again.final }, same, tolerance)] : []),
    ...(again.result !== undefined && (same || again.given) ? [weightsFinding(record, again)] : []),
    ...(same && again.gradients !== undefined ? [costFinding(record, again)] : []),
  ]
}

function countsFinding(record: Claim, again: Again): Finding {
  const { size, kept } = countsOf(record)
  const found = new Map(again.layers.map((layer) => [layer.name, layer]))
  const other = record.layers.find((layer) => {
    const here = found.get(layer.name)
    return here?.size !== layer.size || here.kept !== layer.kept
  })
  const whole = `${kept.toLocaleString('en-US')} of ${size.toLocaleString('en-US')} weights`
  if (other)
    return {
      what: 'counts',
      holds: false,
      text: `${other.name} keeps ${found.get(other.name)?.kept ?? 'nothing'} weights here, ${other.kept} in the record`,
    }
  const more = again.layers.length - record.layers.length
  return more > 0
    ? { what: 'counts', holds: false, text: `${more} more layers were pruned here than in the record` }
    : { what: 'counts', holds: true, text: `${whole} are left, in every layer as many as in the record` }
}

function accuracyFinding(
  record: Claim,
  { dense, final, given }: Again & { final: PruneRecord['final'] },
  same: boolean,
  tolerance: number,
): Finding {
  const of = ({ correct, count }: PruneRecord['final']) => (100 * correct) / count
  const difference = Math.abs(of(final) - of(record.final))
  const before = dense === undefined ? 0 : Math.abs(of(dense) - of(record.dense))
  const figures = `${of(final).toFixed(2)} % are right here, ${of(record.final).toFixed(2)} % in the record`
  const denser = before > 0 ? ` (before pruning ${of(dense!).toFixed(2)} and ${of(record.dense).toFixed(2)} %)` : ''
  const allowed = same ? 0 : given ? Math.min(tolerance, LAST_BITS) : tolerance
  const rule = same ? 'the same instructions allow no difference' : `other instructions allow ${allowed} points`
  const holds = difference <= allowed + 1e-9 && before <= (same ? 0 : LAST_BITS) + 1e-9
  return { what: 'accuracy', holds, text: `${figures}${denser}: ${rule}` }
}

/** Points by which the same weights may differ in accuracy where instructions differ in their last bits. */
const LAST_BITS = 0.05

function weightsFinding(record: Claim, { result }: Again): Finding {
  const holds = result === record.result
  return { what: 'weights', holds, text: `the tensors are ${holds ? '' : 'not '}those of the record, bit for bit` }
}

function costFinding(record: Claim, { gradients, images = 0 }: Again): Finding {
  const holds = gradients === record.gradients && images === record.images
  const text = (n = 0, m = 0) => `${n.toLocaleString('en-US')} sample gradients and ${m.toLocaleString('en-US')} images`
  return {
    what: 'cost',
    holds,
    text: `${text(gradients, images)} were taken here${holds ? ', as in the record' : `, ${text(record.gradients, record.images)} in the record`}`,
  }
}
