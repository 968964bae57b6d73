/**
 * @file A sentence where a pruned network does worse than guessing: the likely cause, and what mends it.
 */
import type { PruningRequest } from '../../methods/method.ts'
import { classesOf } from '../../models/model.ts'
import type { Connectivity } from '../../sparsity/collapse.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { hasBatchNorm } from '../../train/refresh-batch-norm.ts'
import { isDistance } from '../display/measured.ts'
import type { PruneResult } from './report.ts'
import type { PruneTask } from './settings.ts'

type Judged = Pick<PruneResult, 'dense' | 'final' | 'statistics' | 'polish'> & { paths: Connectivity }

/**
 * Undefined where the loss is at most that of equal chances for all classes, log C, or the dense network's is
 * not: then something else is wrong. Commands are by their flags.
 */
export function worseThanGuessing(result: Judged, { name, method, request }: PruneTask): string | undefined {
  const { dense, final } = result
  if (isDistance(dense) || isDistance(final)) return farAway(result, name, method.section, request)
  const chance = guessingLoss(request.model)
  if (isGuess(dense, chance) || !isGuess(final, chance)) return undefined
  const [found, guessed] = [final.loss, chance].map((loss) => loss.toFixed(2))
  const losses = `loss ${found}, where equal chances for ${classesOf(request.model)} classes have ${guessed}`
  const better = found === guessed ? 'no better than' : 'worse than'
  return `warning: ${better} guessing (${losses}): ${advice(result, name, method.section, request)}`
}

/** Undefined where every output is nearer to that of the dense network than a constant is. */
function farAway(result: Judged, name: string, section: string, request: PruneTask['request']): string | undefined {
  const outputs = isDistance(result.final) ? result.final.outputs : []
  const far = outputs.find(({ distance, unit }) => unit === 'variance' && !(distance < 1))
  if (!far) return undefined
  const found = `distance ${far.distance.toFixed(2)}, where its mean has 1`
  return `warning: output ${far.name} is no nearer to that of the dense network than a constant (${found}): ${advice(result, name, section, request)}`
}

/** The loss of equal chances. */
const guessingLoss = (model: PruningRequest['model']): number => Math.log(classesOf(model))

const isGuess = ({ loss }: Evaluation, chance: number): boolean => !(loss <= chance)

function advice(
  { statistics, polish, paths: { deadOutputs, outputs } }: Judged,
  name: string,
  section: string,
  { model }: Pick<PruningRequest, 'model'>,
): string {
  if (deadOutputs === outputs) return 'no path is left from the input to the output, expected fewer zeros'
  if (hasBatchNorm(model) && !statistics)
    return 'the statistics of batch normalizations probably no longer fit, try --refresh-bn auto'
  if (section === 'scoring' && !polish)
    return `${name} changes no weight that stays, try --method obc, which makes up for those that go, or --polish 5`
  if (name !== 'obc') return 'too much went for the others to make up for it, try --method obc, or fewer zeros'
  return 'too much went for the others to make up for it, try fewer zeros, or training with --finetune'
}
