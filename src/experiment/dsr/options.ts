/**
 * @file The 47 options of the published program of dynamic sparse reparameterization (Mostafa & Wang 2019,
 * arXiv 1902.05967): their names, types and defaults, and a command line read by them, as Python's argparse
 * does it: `--name value`, `--name=value`, `-nvalue`, names cut short where that is no other's beginning, the
 * last of several values.
 */
import { UserError } from '../../util/errors.ts'
import { excerpt } from '../../util/excerpt.ts'
import { suggestion } from '../../util/suggest.ts'
import { wordsOf } from './words.ts'

interface Option<T> {
  names: readonly string[]
  value: T
  /** What a value is, in words; absent where the option is a flag and takes none. */
  takes?: string
  /** A value from its text; undefined where it is none. */
  read(text: string): T | undefined
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i

const flag = (...names: string[]): Option<boolean> => ({ names, value: false, read: () => true })
const text = (value: string, ...names: string[]): Option<string> => ({ names, value, takes: 'a text', read: (t) => t })
const number = (value: number, ...names: string[]): Option<number> => ({
  names,
  value,
  takes: 'a number',
  read: (t) => (NUMBER.test(t) ? Number(t) : undefined),
})
const whole = (value: number, ...names: string[]): Option<number> => ({
  names,
  value,
  takes: 'a whole number',
  read: (t) => (/^[-+]?\d+$/.test(t) ? Number(t) : undefined),
})
const oneOf = <T extends string>(value: T, known: readonly T[], ...names: string[]): Option<T> => ({
  names,
  value,
  takes: known.join(', '),
  read: (t) => known.find((name) => name === t),
})

export const networks = ['mnist_mlp', 'cifar10_WideResNet', 'imagenet_resnet50'] as const

/** All but -h. Defaults are those of the program, also where its help says others. */
export const options = {
  epochs: whole(100, '--epochs'),
  startEpoch: whole(0, '--start-epoch'),
  model: oneOf<(typeof networks)[number]>('mnist_mlp', networks, '--model'),
  batch: whole(100, '-b', '--batch-size'),
  lr: number(0.1, '--lr', '--learning-rate'),
  momentum: number(0.9, '--momentum'),
  // There any text but an empty one is true, "False" too.
  nesterov: text('True', '--nesterov'),
  weightDecay: number(1e-4, '--weight-decay', '--wd'),
  l1: number(0, '--L1-loss-coeff'),
  printFreq: whole(50, '-p', '--print-freq'),
  layers: whole(28, '--layers'),
  startPruningAfter: whole(20, '--start-pruning-after-epoch'),
  pruneFrequency: whole(2, '--prune-epoch-frequency'),
  pruneSparsityFc: number(0.98, '--prune-target-sparsity-fc'),
  pruneSparsityConv: number(0.5, '--prune-target-sparsity-conv'),
  pruneIterations: whole(1, '--prune-iterations'),
  postPruneEpochs: whole(10, '--post-prune-epochs'),
  moves: whole(600, '--n-prune-params'),
  thresholdPrune: flag('--threshold-prune'),
  prune: flag('--prune'),
  validateSet: flag('--validate-set'),
  rewireScaling: flag('--rewire-scaling'),
  tied: flag('--tied'),
  rescaleTiedGradient: flag('--rescale-tied-gradient'),
  rewire: flag('--rewire'),
  noValidateTrain: flag('--no-validate-train'),
  deepR: flag('--DeepR'),
  deepREta: number(0.001, '--DeepR_eta'),
  stopRewireEpoch: whole(1000, '--stop-rewire-epoch'),
  noBatchNorm: flag('--no-batch-norm'),
  rewireFraction: number(0.1, '--rewire-fraction'),
  granularity: whole(2, '--sub-kernel-granularity'),
  cubic: flag('--cubic-prune-schedule'),
  sparseDownsample: flag('--sparse-resnet-downsample'),
  convGroupLasso: flag('--conv-group-lasso'),
  bigNewWeights: flag('--big-new-weights'),
  widen: number(10, '--widen-factor'),
  sparsityConv: number(0.5, '--initial-sparsity-conv'),
  sparsityFc: number(0.98, '--initial-sparsity-fc'),
  job: whole(0, '--job-idx'),
  noAugment: flag('--no-augment'),
  data: text('', '--data'),
  workers: whole(8, '-j', '--workers'),
  copyMaskFrom: text('', '--copy-mask-from'),
  resume: text('', '--resume'),
  scheduleFile: text('./schedule.yaml', '--schedule-file'),
  name: text('', '--name'),
}

export type Arguments = { [K in keyof typeof options]: (typeof options)[K]['value'] }

const byName = new Map<string, { key: string; option: Option<unknown> }>(
  Object.entries(options).flatMap(([key, option]) => option.names.map((name) => [name, { key, option }] as const)),
)

/**
 * The options of a line `python main.py --option value ...`. A path that ends in a slash goes on in the word
 * after it: one of the published lines has such a space, and fails there. Throws UserError, beginning with
 * `source`, where the line is no such command, or has an option or a value that it cannot have.
 */
export function argumentsOf(line: string, source: string): Arguments {
  const words = wordsOf(line, source)
  const program = words.findIndex((word) => /(^|\/)main\.py$/.test(word))
  const before = words.slice(0, program)
  if (program < 0 || !before.every((word) => /^([A-Za-z_]\w*=.*|(.*\/)?python[\d.]*|-u)$/.test(word)))
    throw new UserError(`${source}: expected a line such as python main.py --model ..., found ${excerpt(line.trim())}`)
  const found: Record<string, unknown> = Object.fromEntries(
    Object.entries(options).map(([key, { value }]) => [key, value]),
  )
  for (const rest = words.slice(program + 1); rest.length > 0; ) {
    const { key, option, name, value } = optionOf(rest, source)
    const read = option.read(value ?? '')
    if (read === undefined)
      throw new UserError(`${source}: ${name}: expected ${option.takes}, found ${excerpt(value!)}`)
    found[key] = read
  }
  return found as Arguments
}

/** Takes the next option with its value from the words. */
function optionOf(words: string[], source: string) {
  const word = words.shift()!
  if (!/^-\D/.test(word)) throw new UserError(`${source}: expected an option, found ${excerpt(word)}`)
  const [, given, inline] = word.startsWith('--') ? /^([^=]*)(?:=(.*))?$/s.exec(word)! : /^(-.)(.+)?$/s.exec(word)!
  if (given === '-h' || given === '--help')
    throw new UserError(
      `${source}: ${given} runs nothing: docs/methods.md says what each option of the program is here`,
    )
  const name = fullName(given, source)
  const { key, option } = byName.get(name)!
  if (!option.takes) {
    if (inline !== undefined) throw new UserError(`${source}: ${name}: expected no value, found ${excerpt(inline)}`)
    return { key, option, name }
  }
  const next = words[0]
  if (inline !== undefined) return { key, option, name, value: inline }
  if (next === undefined || (/^-/.test(next) && !NUMBER.test(next)))
    throw new UserError(`${source}: ${name}: expected ${option.takes}, found ${next ?? 'nothing'}`)
  words.shift()
  const goesOn = next.endsWith('/') && option === options.scheduleFile && words.length > 0 && !words[0].startsWith('-')
  return { key, option, name, value: goesOn ? next + words.shift() : next }
}

/** The name of an option of which at least the beginning was given. */
function fullName(given: string, source: string): string {
  if (byName.has(given)) return given
  const possible = given.startsWith('--') ? [...byName.keys()].filter((name) => name.startsWith(given)) : []
  const keys = new Set(possible.map((name) => byName.get(name)!.key))
  if (keys.size === 1) return possible[0]
  if (keys.size > 1) throw new UserError(`${source}: ${given} may be ${possible.join(', ')}: expected a whole name`)
  throw new UserError(`${source}: unknown option ${excerpt(given)}${suggestion(given, [...byName.keys()], 5)}`)
}
