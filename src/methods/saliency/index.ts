/** @file The saliencies by name. Adding one: a file and a line here. */
import { checkName } from '../../util/checks.ts'
import { fbss } from './fbss.ts'
import { fisherDiagonal } from './fisher-diagonal.ts'
import { fisherPruner } from './fisher-pruner.ts'
import { force } from './force.ts'
import { fts } from './fts.ts'
import { gradNorm } from './grad-norm.ts'
import { grasp } from './grasp.ts'
import { graspReference } from './grasp-ref.ts'
import { hts } from './hts.ts'
import { hutchDiag } from './hutch-diag.ts'
import { hutchPruning } from './hutch-pruning.ts'
import { iterSnip } from './iter-snip.ts'
import { magnitude } from './magnitude.ts'
import { randomSaliency } from './random.ts'
import type { Saliency, Statistic } from './saliency.ts'
import { snip } from './snip.ts'
import { synflow } from './synflow.ts'

export const saliencies = {
  magnitude,
  random: randomSaliency,
  'grad-norm': gradNorm,
  snip,
  'iter-snip': iterSnip,
  force,
  grasp,
  'grasp-ref': graspReference,
  'fisher-diagonal': fisherDiagonal,
  'fisher-pruner': fisherPruner,
  fts,
  fbss,
  'hutch-diag': hutchDiag,
  'hutch-pruning': hutchPruning,
  hts,
  synflow,
} satisfies Record<string, Saliency<Statistic>>
export type SaliencyName = keyof typeof saliencies

/** A saliency by name, as one that may need anything. Throws UserError where there is none such. */
export function saliencyOf(name: SaliencyName): Saliency<Statistic> {
  checkName('method', name ?? null, Object.keys(saliencies))
  return saliencies[name]
}
