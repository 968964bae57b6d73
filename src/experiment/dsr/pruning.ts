/**
 * @file How a command line of the published program of dynamic sparse reparameterization makes its network
 * sparse: the sections `prune`, `rewire` and `tie` of a recipe.
 */
import type { UserError } from '../../util/errors.ts'
import type { Arguments } from './options.ts'
import type { Schedule } from './schedule-file.ts'

/** Sections of a recipe; `prunes` where a dense network is pruned, whose training is as long as that says. */
interface Pruning {
  prunes?: { epochs: number }
  prune?: object
  rewire?: object
  tie?: object
}

type Refuse = (what: string) => UserError

/** By `--sub-kernel-granularity`: how many axes of a kernel have a mask of their own. */
const granularities = ['kernel', 'filter', 'kernel', 'row', 'weight']

/** The sections of a line; `masked`: the masks are those of a file. `refuse` makes errors. */
export function pruningOf(args: Arguments, schedule: Schedule, masked: boolean, refuse: Refuse): Pruning {
  const moves = args.rewire ? '--rewire' : args.deepR ? '--DeepR' : undefined
  if (args.tied) {
    const other = args.prune ? '--prune' : moves
    if (other) throw refuse(`${other} beside --tied: tied weights have no zeros, expected one of the two`)
    return tieOf(args, refuse)
  }
  if (args.prune) {
    if (moves) throw refuse(`${moves} beside --prune: expected one of the two`)
    return pruned(args, refuse)
  }
  if (masked) return {}
  const { sparsity, ...others } = sparsitiesOf(args, args.sparsityConv, args.sparsityFc)
  const isSparse = Math.max(sparsity, ...Object.values(others.sparsities ?? {})) > 0
  if (moves && !isSparse)
    throw refuse(`${moves}: needs an --initial-sparsity-conv or -fc above 0 of the network's tensors, found 0`)
  // A penalty is that of the tensors that could be sparse.
  if (!isSparse && args.l1 === 0) return {}
  const start = args.startEpoch > 0 && { start: `${args.startEpoch}ep` }
  return {
    prune: {
      method: 'random',
      scope: 'layerwise',
      sparsity,
      ...others,
      ...tensorsOf(args),
      ...granularityOf(args, refuse),
      ...start,
    },
    ...(moves && { rewire: rewireOf(args, schedule) }),
  }
}

/** `--prune`: gradual pruning by magnitude, at the ends of epochs. */
function pruned(args: Arguments, refuse: Refuse): Pruning {
  const { startPruningAfter: first, pruneFrequency: every, pruneIterations: count, postPruneEpochs: rest } = args
  if (args.resume === '' && Math.max(args.sparsityFc, args.sparsityConv) > 0)
    throw refuse(
      '--prune: prunes a dense network, expected --resume, or --initial-sparsity-conv 0 and --initial-sparsity-fc 0',
    )
  if (count < 1) throw refuse(`--prune-iterations: expected at least 1, found ${count}`)
  if (every < 1) throw refuse(`--prune-epoch-frequency: expected at least 1, found ${every}`)
  if (first < args.startEpoch)
    throw refuse(`--start-pruning-after-epoch: expected at least the --start-epoch ${args.startEpoch}, found ${first}`)
  if (rest < 1) throw refuse(`--post-prune-epochs: expected at least 1, in which the last prune comes, found ${rest}`)
  const last = first + every * (count - 1)
  return {
    prunes: { epochs: last + rest },
    prune: {
      method: 'magnitude',
      scope: 'layerwise',
      ...(args.model === 'mnist_mlp'
        ? sparsitiesOfMnist(args.pruneSparsityFc)
        : sparsitiesOf(args, args.pruneSparsityConv, args.pruneSparsityFc)),
      ...tensorsOf(args),
      ...granularityOf(args, refuse),
      schedule: args.cubic ? 'cubic' : 'exponential',
      start: `${first + 1}ep`,
      end: `${last + 1}ep`,
      every: `${every}ep`,
    },
  }
}

/**
 * Above 90 % the output layer of the MNIST network, 1,000 of its 266,200 weights, keeps 100 of them; the
 * other two are pruned as far as makes the total the same.
 */
function sparsitiesOfMnist(sparsity: number): Sparsities {
  if (sparsity <= 0.9) return { sparsity }
  const left = (1 - sparsity) * 266_200 - 100
  return { sparsity: 1 - left / 265_200, sparsities: { 'fc3.weight': 0.9 } }
}

interface Sparsities {
  sparsity: number
  sparsities?: Record<string, number>
}

/** Wide residual networks are sparse in convolutions alone, the MNIST network has none. */
function sparsitiesOf({ model }: Arguments, conv: number, fc: number): Sparsities {
  if (model === 'mnist_mlp') return { sparsity: fc }
  if (model === 'cifar10_WideResNet' || conv === fc) return { sparsity: conv }
  return { sparsity: conv, sparsities: { linear: fc } }
}

/** The tensors that are sparse or tied. */
function tensorsOf({ model, sparseDownsample }: Arguments) {
  if (model === 'cifar10_WideResNet') return { prunable: 'published' }
  if (model === 'mnist_mlp') return {}
  return { exclude: ['conv1.weight', ...(sparseDownsample ? [] : ['*.downsample.*'])] }
}

function granularityOf({ model, granularity }: Arguments, refuse: Refuse) {
  if (granularity < 1 || granularity > 4)
    throw refuse(`--sub-kernel-granularity: expected 1 to 4, or 0 with --tied, found ${granularity}`)
  return granularity === 4 || model === 'mnist_mlp' ? {} : { granularity: granularities[granularity] }
}

function rewireOf(args: Arguments, { periods, temperatures }: Schedule): object {
  const end = `${Math.min(args.stopRewireEpoch, args.epochs)}ep`
  const newWeights = args.bigNewWeights && { newWeights: 'drawn' }
  if (args.deepR) return { method: 'deepr', eta: args.deepREta, temperature: temperatures, end, ...newWeights }
  const taken = args.thresholdPrune
    ? { method: 'dsr', moves: args.moves, ...(!args.rewireScaling && { reallocate: false }) }
    : { method: 'set-magnitude', fraction: args.rewireFraction, ...(args.rewireScaling && { reallocate: true }) }
  return { ...taken, faithful: true, ...newWeights, every: periods, end }
}

function tieOf(args: Arguments, refuse: Refuse): Pruning {
  const { sparsity, sparsities } = sparsitiesOf(args, args.sparsityConv, args.sparsityFc)
  if (sparsities)
    throw refuse(
      `--tied: expected the same --initial-sparsity-conv and -fc, found ${args.sparsityConv} and ${args.sparsityFc}`,
    )
  const kernels = args.granularity === 0 && args.model !== 'mnist_mlp' && { granularity: 'kernel' }
  const rescale = args.rescaleTiedGradient && { rescale: true }
  return { tie: { sparsity, ...kernels, ...rescale, ...tensorsOf(args) } }
}
