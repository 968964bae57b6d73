/**
 * @file Prunes to a time, a size or a share of multiply-adds: every tensor gets a sparsity of its own, or
 * every group of channels a number of them.
 */
import type { SampleSet } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { chooseSparsities } from '../../src/target/choose.ts'
import { chooseUnits } from '../../src/target/choose-units.ts'
import { CompactedCosts } from '../../src/target/compacted-costs.ts'
import type { KeptLevels } from '../../src/target/levels.ts'
import type { LimitNames, Limits } from '../../src/target/limits.ts'
import { espalierRuntime } from '../../src/target/runtimes.ts'
import type { Trials } from '../../src/target/trials.ts'
import { unitsOf } from '../../src/target/unit.ts'
import { UserError } from '../../src/util/errors.ts'
import type { Asked, Goal, GoalKind } from './asked.ts'
import { gzipped } from './gzip.ts'
import { changedTo } from './judge.ts'
import { encoded, formatsOf, type Opened, type Version } from './opened.ts'
import type { Tell } from './prune.ts'
import { leftOf } from './sensitivity.ts'
import { trialsOf } from './trials.ts'

/** What messages call the goals. */
const NAMES: LimitNames = { milliseconds: 'goal', bytes: 'goal', flops: 'goal', drop: 'goal' }

const limitsOf = ({ kind, value }: Goal): Limits => {
  const limits: Record<Exclude<GoalKind, 'sparsity'>, Limits> = {
    milliseconds: { milliseconds: value },
    kilobytes: { bytes: 1000 * value },
    multiplyAdds: { flops: value },
  }
  return kind === 'sparsity' ? {} : limits[kind]
}

/** Throws UserError where the goal cannot be met, or is met already. */
export async function prunedToGoal(
  opened: Opened,
  asked: Asked,
  { data, machine, store }: { data: SampleSet; machine: Machine; store: KeptLevels },
  tell: Tell,
): Promise<Version> {
  const { version, name, onnx, model } = opened
  const { trials, tensors, sparsities } = trialsOf(opened, asked, data, machine)
  const [format] = formatsOf(opened)
  const chosen = await chooseSparsities({
    trials,
    model: model!,
    file: { ...version.weights, onnx },
    source: name,
    tensors,
    sparsities,
    limits: limitsOf(asked.goal),
    names: NAMES,
    timing: { machine },
    stored: 'brotli',
    zeros: format === 'onnx',
    compress: gzipped,
    ...(asked.goal.kind === 'kilobytes' && {
      sizeOf: (weights) =>
        gzipped(encoded(opened, { weights: { ...version.weights, tensors: weights.tensors } }, format)),
    }),
    store,
    onProgress: telling(tell, {
      levels: { words: 'Measuring', from: 0.1, to: 0.5 },
      times: { words: 'Timing', from: 0.5, to: 0.6 },
      choices: { words: 'Trying choices of levels:', from: 0.6, to: 0.7 },
      drop: { words: 'Trying', from: 0.6, to: 0.7 },
      size: { words: 'Trying:', from: 0.6, to: 0.7 },
    }),
  })
  tell('Pruning', 0.7)
  const { network } = await repaired(opened, asked, { data, machine }).prune(tensors, chosen.sparsities, AFTERWARDS)
  return changedTo(opened, network)
}

/**
 * The same with whole channels: what the network takes is that of the smaller one. Throws UserError where the
 * goal cannot be met, or is met already, and where no channels may go.
 */
export async function channelsToGoal(
  opened: Opened,
  asked: Asked,
  { data, machine, store }: { data: SampleSet; machine: Machine; store: KeptLevels },
  tell: Tell,
): Promise<Version> {
  const { version, name, onnx, model } = opened
  const { trials, tensors } = trialsOf(opened, asked, data, machine)
  const units = unitsOf(model!, tensors, 'channel')
  if (units.length === 0) throw new UserError(`${name} has no channels that may go`)
  const runtime = asked.goal.kind === 'milliseconds' ? espalierRuntime(machine, 1) : undefined
  const costs = await CompactedCosts.open({ file: { ...version.weights, onnx }, model: model!, source: name }, runtime)
  const { channels } = await chooseUnits({
    trials,
    units,
    tensors,
    costs,
    limits: limitsOf(asked.goal),
    names: NAMES,
    store,
    onProgress: telling(tell, {
      levels: { words: 'Measuring', from: 0.1, to: 0.5 },
      costs: { words: 'Weighing', from: 0.5, to: 0.7 },
      drop: { words: 'Trying', from: 0.5, to: 0.7 },
    }),
  })
  tell('Pruning', 0.7)
  const last = repaired(opened, asked, { data, machine })
  const { network } = await last.prune(tensors, new Map(), { ...AFTERWARDS, channels })
  return changedTo(opened, network)
}

const AFTERWARDS = { afterwards: true }

/** What of a choice takes time: how it is called, and its part of all the work. */
interface Part {
  words: string
  from: number
  to: number
}

/** Tells of the parts of a choice, which begins now. */
function telling<Name extends string>(tell: Tell, parts: Record<Name, Part>) {
  const began = performance.now()
  return (name: Name, text: string, share = 0) => {
    const { words, from, to } = parts[name]
    tell(`${words} ${text}`, from + (to - from) * share, name === 'levels' ? leftOf(began, share) : undefined)
  }
}

/** Trials that also repair what does not look at inputs, where these are real. */
function repaired(opened: Opened, asked: Asked, { data, machine }: { data: SampleSet; machine: Machine }): Trials {
  const afterwards = asked.method === 'magnitude' && asked.samples.kind !== 'random'
  return trialsOf(opened, asked, data, machine, { afterwards }).trials
}
