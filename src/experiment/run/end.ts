/**
 * @file The end of a run: the last act of train.gsm, the accuracy on the test set, the files of weights and
 * the report.
 */
import { costsUsed } from '../../calibrate/cost-file.ts'
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts'
import { packSparse } from '../../formats/sparse.ts'
import { type Gap, gapOf, keepTop } from '../../methods/gsm/selection.ts'
import { prunedResult } from '../../methods/masks.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { multiplyAddsOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import { loadWeights, weightsOf } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { prunedTensors } from '../plan/pruning.ts'
import type { RunPlan } from '../plan/resolve.ts'
import { metText } from '../plan/target.ts'
import type { BestEpoch } from './best-epoch.ts'
import type { RunResult } from './events.ts'
import type { RunFolder } from './folder.ts'
import type { Journal } from './journal.ts'
import { reportMarkdown } from './report.ts'

export interface Finished {
  plan: RunPlan
  network: Network
  folder: RunFolder
  journal: Journal
  /** Steps of the training, and the seconds that it took. */
  step: number
  seconds: number
  /** With train.keep: best. */
  best?: BestEpoch
}

/**
 * Reads the test set, as nothing else does but for recipes that ask for it while training. Throws UserError
 * where training diverged in its last step.
 */
export function endRun(finished: Finished): RunResult {
  const { plan, network, folder, journal, seconds, best } = finished
  const lastEpoch = best?.found && plan.active === undefined ? network.evaluate('test') : undefined
  best?.load()
  const gap = keepActive(finished)
  network.assertMasked()
  const final = network.evaluate('test')
  if (!Number.isFinite(final.loss))
    throw new UserError(`the loss on the test set is ${final.loss}: training diverged in its last step`)
  const pruned = prunedResult(network)
  const kernels = network.gains()
  const weights = weightsOf(network, { test_accuracy: (100 * final.accuracy).toFixed(2) })
  writeSafetensors(folder.file('model'), packSparse(weights))
  const dense = evaluateDense(network, folder)
  const modelBytes = folder.size('model')
  const denseBytes = dense ? folder.size('dense') : modelBytes
  const multiplyAdds = multiplyAddsLeft(plan, pruned.layers)
  const result = {
    ...pruned,
    multiplyAdds,
    kernels,
    costs: costsUsed(network.kernels.costs),
    dense,
    final,
    keptEpoch: best?.found?.epoch,
    lastEpoch,
    gap,
    denseBytes,
    modelBytes,
    seconds,
  }
  folder.appendMetric({ type: 'final', ...result })
  writeAtomically(
    folder.file('report'),
    reportMarkdown(plan.recipe, network.machine.description, network.data, result, plan.target && metText(plan.target)),
  )
  journal.tell({ type: 'end', folder: folder.path, result })
  return result
}

/** With prune.flops: what the weights cost that can be pruned, and those that are left. */
function multiplyAddsLeft({ recipe: { prune }, model }: RunPlan, layers: readonly LayerCount[]) {
  if (prune?.flops === undefined) return undefined
  const names = prunedTensors(prune, model).map(({ name }) => name)
  return multiplyAddsOf(
    weightCosts(model),
    layers.filter(({ name }) => names.includes(name)),
  )
}

/** With train.gsm as many weights stay as were active at each step. */
function keepActive({ plan: { active }, network, folder, journal, step }: Finished): Gap | undefined {
  if (active === undefined) return undefined
  writeSafetensors(folder.file('dense'), weightsOf(network))
  const { gap } = gapOf(network, active)
  const result = keepTop(network, active)
  journal.recordPruning(step, result.sparsity, result, gap)
  return gap
}

/** Of the network as it was before it was pruned, whose weights it then has; nothing where it was not. */
function evaluateDense(network: Network, folder: RunFolder): Evaluation | undefined {
  if (!folder.has('dense')) return undefined
  const path = folder.file('dense')
  loadWeights(network, readSafetensors(path), path)
  return network.evaluate('test')
}
