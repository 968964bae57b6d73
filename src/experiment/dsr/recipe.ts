/**
 * @file A command line of the published program of dynamic sparse reparameterization as a recipe: what every
 * option is here stands in docs/methods.md. Of no effect, as there: `--lr` (the schedule file has the rates);
 * of no meaning here: `--print-freq` and `--workers`.
 *
 * The program has no seeds. Here the seed is the number of the job, and that of another job where a line
 * begins with the initial weights of that one.
 */
import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { fileOf, type NamedRun, namedRun, runName } from './named-runs.ts'
import { type Arguments, argumentsOf } from './options.ts'
import { pruningOf } from './pruning.ts'
import { readSchedule } from './schedule-file.ts'

export interface CommandContext {
  /** What messages call the line. */
  source: string
  /**
   * Folders that a relative path of a schedule file is looked for in, in this order. Default: the current
   * one.
   */
  folders?: readonly string[]
  /** The folder of a run by its name. Default: `runs/NAME`. */
  runs?: (name: string) => string
}

export interface CommandRecipe {
  /** Still to be checked as a recipe. */
  recipe: Record<string, unknown> & { name: string }
  /** The names of runs whose files it begins with. */
  after: string[]
}

/** Networks and data sets of the program; ImageNet's folder is that of --data. */
const data = {
  mnist_mlp: { name: 'mnist', augmented: 'none', heldOut: 10_000 },
  cifar10_WideResNet: { name: 'cifar10', normalization: 'cifar10-dsr', augmented: 'cifar-reflect', heldOut: 5000 },
  imagenet_resnet50: { name: 'imagenet', size: 256, crop: 224, augmented: 'resized-crop', heldOut: 10_000 },
}

/** The recipe of a line. Throws UserError, beginning with what the line is called. */
export function recipeOfCommand(line: string, context: CommandContext): CommandRecipe {
  const { source, folders = ['.'], runs = (name) => join('runs', name) } = context
  const args = argumentsOf(line, source)
  const refuse = (what: string) => new UserError(`${source}: ${what}`)
  const schedule = scheduleOf(args, folders, source)
  if (args.model === 'cifar10_WideResNet' && (args.layers < 10 || args.layers % 6 !== 4))
    throw refuse(`--layers: expected 6 n + 4, at least 10, found ${args.layers}`)
  const from = args.resume === '' ? undefined : namedRun(args.resume, `${source}: --resume`)
  const masks = args.copyMaskFrom === '' ? undefined : namedRun(args.copyMaskFrom, `${source}: --copy-mask-from`)
  const begins = beginning(args, from, masks, refuse)
  const { prunes, ...pruning } = pruningOf(args, schedule, begins.masks !== undefined, refuse)
  const { name, augmented, heldOut, ...constants } = data[args.model]
  const name_ = runName(args)
  const recipe = {
    name: name_,
    summary: args.name,
    seed: from?.initial ? from.run!.job : args.job,
    model: {
      ...networkOf(args),
      ...(begins.weights && { weights: fileOf(begins.weights, 'model', runs) }),
      ...(begins.masks && { masks: fileOf(begins.masks, 'checkpoint', runs) }),
    },
    data: {
      name: args.data !== '' && args.model === 'imagenet_resnet50' ? args.data : name,
      ...constants,
      augment: args.noAugment && args.model === 'cifar10_WideResNet' ? 'none' : augmented,
      validation: args.validateSet ? heldOut : 0,
    },
    train: {
      epochs: prunes?.epochs ?? args.epochs,
      ...(args.startEpoch > 0 && { start: `${args.startEpoch}ep` }),
      batch: args.batch,
      learningRate: schedule.rates,
      momentum: args.momentum,
      nesterov: args.nesterov !== '',
      weightDecay: args.weightDecay,
      ...penaltyOf(args, refuse),
    },
    ...(!args.noValidateTrain && { validation: { train: 1 } }),
    ...pruning,
  }
  const others = [begins.weights, begins.masks].flatMap((other) => other?.run?.name ?? [])
  return { recipe, after: [...new Set(others)] }
}

function networkOf({ model, layers, widen, noBatchNorm }: Arguments) {
  if (model === 'cifar10_WideResNet') return { name: `wrn-${layers}`, widen }
  if (model === 'imagenet_resnet50') return { name: 'resnet50', widen }
  // Biases begin at zero.
  return noBatchNorm ? { name: 'lenet-300-100', init: 'he-normal-out' } : { name: 'mnist-mlp-bn' }
}

/** The runs whose weights and masks a line begins with; initial weights are those of a seed. */
function beginning(
  args: Arguments,
  from: NamedRun | undefined,
  masks: NamedRun | undefined,
  refuse: (what: string) => UserError,
): { weights?: NamedRun; masks?: NamedRun } {
  const moves = args.rewire ? '--rewire' : args.deepR ? '--DeepR' : undefined
  const other = masks ? '--copy-mask-from' : '--resume'
  if (moves && (masks || (from && !from.initial)))
    throw refuse(
      `${other} beside ${moves}: weights move from a mask that is drawn at the start, expected one of the two`,
    )
  if (args.tied && (masks || (from && !from.initial)))
    throw refuse(`${other} beside --tied: copies are drawn at the start, expected one of the two`)
  if (args.prune && masks) throw refuse('--copy-mask-from beside --prune: expected one of the two')
  // What is pruned further begins dense; what is only trained further keeps its zeros.
  if (from && !from.initial) return { weights: from, masks: masks ?? (args.prune ? undefined : from) }
  return { masks }
}

/** The penalty of kernels takes the place of that of single weights. */
function penaltyOf({ l1, convGroupLasso, model }: Arguments, refuse: (what: string) => UserError) {
  if (l1 === 0) return {}
  if (!convGroupLasso || model === 'mnist_mlp') return { l1 }
  if (model === 'imagenet_resnet50')
    throw refuse('--conv-group-lasso: expected another network than imagenet_resnet50, whose classifier has no kernels')
  return { groupLasso: l1 }
}

/** Throws UserError, naming the option, where the file is missing or damaged. */
function scheduleOf({ scheduleFile }: Arguments, folders: readonly string[], source: string) {
  try {
    return readSchedule(placeOf(scheduleFile, folders))
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${source}: --schedule-file: ${error.message}`) : error
  }
}

/** The path of a schedule file: in the first of the folders that has it. */
function placeOf(path: string, folders: readonly string[]): string {
  if (isAbsolute(path)) return path
  return folders.map((folder) => join(folder, path)).find((place) => existsSync(place)) ?? path
}
