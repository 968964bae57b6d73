/**
 * @file What pruning each tensor alone does, or whole channels of layers that are tied: to the loss, or
 * distance, and to the time in this browser.
 */
import type { SampleSet } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { runOf, Yardstick } from '../../src/figures/time.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { compacted } from '../../src/target/compacted.ts'
import { CompactedTimes } from '../../src/target/compacted-times.ts'
import { measureGroups, tiedLayers } from '../../src/target/group-levels.ts'
import { measureLatency } from '../../src/target/latency.ts'
import { type KeptLevels, measureLevels } from '../../src/target/levels.ts'
import { espalierRuntime } from '../../src/target/runtimes.ts'
import { lossesOf } from '../../src/target/tensor-levels.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { UserError } from '../../src/util/errors.ts'
import { type Asked, checkAsked } from './asked.ts'
import type { Opened } from './opened.ts'
import type { Tell } from './prune.ts'
import { samplesFor } from './samples.ts'
import { trialsOf } from './trials.ts'

export type AskedSensitivity = Pick<Asked, 'method' | 'granularity' | 'samples'>

export interface Sensitivity {
  asked: Omit<AskedSensitivity, 'samples'> & { samples: string }
  /** Samples that judged. */
  judges: number
  /** Whether losses are distances of outputs, since there are no labels. */
  byDistance: boolean
  sparsities: readonly number[]
  tensors: {
    name: string
    size: number
    /** By level: what it adds to the loss. */
    losses: number[]
    /** Of its layer, or of the network without its channels: the dense one first, then by level. */
    milliseconds: number[]
  }[]
  /** Of the dense network. */
  milliseconds: number
}

/** Seconds that a network takes turns with the dense one for. */
const SECONDS = 0.2

/** Seconds, at most, in which networks whose layers are all at a level take turns with the dense one. */
const TURNS = 0.5

export async function sensitivityOf(
  opened: Opened,
  asked: AskedSensitivity,
  { machine, store }: { machine: Machine; store: KeptLevels },
  tell: Tell,
): Promise<Sensitivity> {
  const { model, name } = opened
  checkAsked({ ...asked, goal: { kind: 'multiplyAdds', value: 1 }, scope: 'layerwise' }, !!model, opened.reason)
  if (!model) throw new UserError(`${name} does not run here: ${opened.reason}`)
  tell('Reading samples', 0)
  const data = await samplesFor(opened, asked.samples)
  const measured = await (asked.granularity === 'channel' ? ofChannels : ofTensors)(
    { ...opened, model },
    asked,
    { data, machine, store },
    tell,
  )
  return { asked: { method: asked.method, granularity: asked.granularity, samples: data.name }, ...measured }
}

interface Given {
  data: SampleSet
  machine: Machine
  store: KeptLevels
}

type Measured = Omit<Sensitivity, 'asked'>

async function ofTensors(opened: Opened, asked: AskedSensitivity, given: Given, tell: Tell): Promise<Measured> {
  const { version, name, onnx } = opened
  const { data, machine, store } = given
  const { trials, tensors, sparsities } = trialsOf(opened, asked, data, machine)
  const began = performance.now()
  const levels = await measureLevels(trials, tensors, {
    sparsities,
    store,
    progress: (tensor, share) => tell(`Measuring ${tensor}`, 0.8 * share, leftOf(began, share)),
  })
  const file = { ...version.weights, onnx }
  const dense = runOf(new SparseModel(file, { machine, source: name }), 1)
  const latency = await measureLatency(levels, {
    machine,
    file,
    source: name,
    yardstick: new Yardstick(dense, { seconds: TURNS }),
    progress: (done, total) => tell(`Timing level ${done} of ${total}`, 0.8 + (0.2 * done) / total),
  })
  return {
    judges: trials.judges,
    byDistance: levels[0].levels[0].accuracy === undefined,
    sparsities,
    tensors: levels.map((tensor) => ({
      name: tensor.name,
      size: tensor.size,
      losses: lossesOf(tensor).slice(1),
      milliseconds: latency.layers.get(tensor.name)!,
    })),
    milliseconds: latency.dense,
  }
}

/** Layers that make the same channels are a row, and times are of the whole network without what goes. */
async function ofChannels(opened: Opened, asked: AskedSensitivity, given: Given, tell: Tell): Promise<Measured> {
  const { version, name, onnx, model } = opened
  const { data, machine } = given
  const masks = { granularity: 'channel' }
  const { trials, tensors, sparsities } = trialsOf(opened, asked, data, machine, { masks })
  const { tied } = tiedLayers(model!, tensors)
  if (tied.length === 0) throw new UserError(`${name} has no channels that may go`)
  const file = { ...version.weights, onnx }
  const network = { file, model: model!, source: name }
  const times = await CompactedTimes.open(espalierRuntime(machine, 1), compacted(network), SECONDS)
  const began = performance.now()
  const rows = await measureGroups(trials, tied, sparsities, {
    time(pruned) {
      const changed = new Map([...file.tensors, ...weightsOf(pruned).tensors])
      return times.of(compacted({ ...network, file: { ...file, tensors: changed } }))
    },
    progress: (row, share) => tell(`Measuring ${row}`, share, leftOf(began, share)),
  })
  return {
    judges: trials.judges,
    byDistance: rows[0].levels[0].accuracy === undefined,
    sparsities,
    tensors: rows.map(({ name: row, size, levels: [dense, ...levels] }) => ({
      name: row,
      size,
      losses: levels.map(({ loss }) => Math.max(0, loss - dense.loss)),
      milliseconds: [dense, ...levels].map(({ milliseconds }) => milliseconds!),
    })),
    milliseconds: await times.ofDense(),
  }
}

/** Seconds that are left, once something of it is done. */
export const leftOf = (began: number, share: number): number | undefined =>
  share > 0.05 ? ((performance.now() - began) / 1000 / share) * (1 - share) : undefined
