/** @file Prunes an opened network, and says what became of it. */
import type { Machine } from '../../src/engine/machine.ts'
import { leastInTurns } from '../../src/figures/time.ts'
import { unmeasured } from '../../src/formats/measured.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { pruneOnnx } from '../../src/methods/by-value/prune-onnx.ts'
import { pruneStored } from '../../src/methods/by-value/prune-stored.ts'
import { multiplyAddsOf, weightCosts } from '../../src/sparsity/multiply-adds.ts'
import type { KeptLevels } from '../../src/target/levels.ts'
import { UserError } from '../../src/util/errors.ts'
import { type Asked, checkAsked } from './asked.ts'
import { compacted } from './compact.ts'
import { gzipped } from './gzip.ts'
import { Judge, type OutputDistance } from './judge.ts'
import { encoded, formatsOf, inferred, type Opened, targetOf, type Version, valuesOf } from './opened.ts'
import { openInRuntime, type RuntimeRun } from './runtime.ts'
import { samplesFor } from './samples.ts'
import { countZeros } from './tensor.ts'
import { runHere } from './timing.ts'
import { VERSION } from './version.ts'

/** What can be said of the network before, and of the one after. */
export interface Side {
  zeros: number
  /** Bytes of the file, and of that file compressed by gzip. */
  bytes: number
  compressed: number
  /** Of one sample, in this browser: absent where the network does not run here. */
  milliseconds?: number
  /** The same in ONNX Runtime Web, where that was asked for. */
  runtime?: number
  /** Of one sample, with those left out that multiply zeros. */
  multiplyAdds?: number
  /** Share of samples that are told right; absent where they have no labels. */
  accuracy?: number
}

export interface Outcome {
  asked: Omit<Asked, 'samples'> & { samples?: string }
  weights: number
  before: Side
  after: Side
  distances?: OutputDistance[]
  /** Samples that judged. */
  samples?: number
  /** Threads that times are of. */
  threads: number
  /** The version of ONNX Runtime Web, where it was timed. */
  runtime?: string
  /** What has to be known of the figures, a sentence each. */
  notes: string[]
  layers: { name: string; size: number; zeros: number }[]
  seconds: number
}

/** Hears what is done, the share of all that is done, and the seconds that are left, where they are known. */
export type Tell = (text: string, share: number, left?: number) => void

/** What pruning works with; `store` keeps levels for another goal. */
export interface Means {
  machine: Machine
  store: KeptLevels
}

/** Throws UserError where the network cannot be pruned so. */
export async function pruned(opened: Opened, asked: Asked, means: Means, tell: Tell) {
  const began = performance.now()
  checkAsked(asked, opened.model !== undefined, opened.reason)
  const { machine } = means
  const notes: string[] = []
  tell('Reading samples', 0)
  const data = opened.model && (await samplesFor(opened, asked.samples))
  notes.push(...(data?.notes ?? []))
  const judge = data && (await Judge.of(opened, asked, data, machine))
  tell('Measuring the network as it is', 0.05)
  const accuracy = judge?.before()
  const made = await newValues(opened, asked, { ...means, data, judge }, tell)
  tell('Measuring the pruned network', 0.7)
  const judged = judge?.after(made)
  const small = asked.granularity === 'channel' ? compacted(opened, withFacts(made, asked), machine) : undefined
  const version = small?.version ?? withFacts(made, asked)
  if (small?.note) notes.push(small.note)
  tell('Timing both', 0.8)
  const versions = [opened.version, version]
  const times = await timesOf(opened, versions, asked, { machine, notes, tell })
  tell('Writing', 0.9)
  const zeros = versions.map((one) => opened.tensors.map(({ name }) => countZeros(valuesOf(opened, one, name))))
  const sides: Side[] = []
  for (const [i, one] of versions.entries()) {
    const bytes = encoded(opened, one, formatsOf(opened)[0])
    sides.push({
      zeros: zeros[i].reduce((a, b) => a + b, 0),
      bytes: bytes.length,
      compressed: await gzipped(bytes),
      milliseconds: times.here[i],
      runtime: times.runtime?.[i],
      multiplyAdds: multiplyAdds(opened, zeros[i]),
      accuracy: [accuracy, judged?.accuracy][i],
    })
  }
  const layers = opened.tensors.map(({ name, shape }, i) => ({ name, size: sizeOf(shape), zeros: zeros[1][i] }))
  const outcome: Outcome = {
    asked: { ...asked, samples: data?.name },
    weights: layers.reduce((sum, { size }) => sum + size, 0),
    before: sides[0],
    after: sides[1],
    distances: judged?.distances,
    samples: data?.test.count,
    threads: machine.threads,
    runtime: times.version,
    notes,
    layers,
    seconds: (performance.now() - began) / 1000,
  }
  return { version, outcome }
}

type Given = Means & { data?: Awaited<ReturnType<typeof samplesFor>>; judge?: Judge }

async function newValues(opened: Opened, asked: Asked, { judge, data, ...means }: Given, tell: Tell): Promise<Version> {
  if (asked.goal.kind !== 'sparsity') {
    const { channelsToGoal, prunedToGoal } = await import('./to-goal.ts')
    const toGoal = asked.granularity === 'channel' ? channelsToGoal : prunedToGoal
    return toGoal(opened, asked, { ...means, data: data! }, tell)
  }
  if (asked.method === 'magnitude' && asked.granularity === 'weight') return byMagnitude(opened, asked)
  return judge!.prune(asked, tell)
}

function byMagnitude({ version, stored, tensors }: Opened, { goal: { value: sparsity }, scope }: Asked): Version {
  const removing = { method: 'magnitude', sparsity, scope, seed: 0 } as const
  if (stored) return { ...version, changed: pruneOnnx([...stored.values()], removing).changes }
  const { file } = pruneStored(version.weights, { ...removing, tensors: tensors.map(({ name }) => name) })
  return { weights: file }
}

/** With what was done in its metadata, and without what was measured of the weights before. */
function withFacts({ weights, ...rest }: Version, { method, granularity, goal, scope }: Asked): Version {
  const facts = {
    method,
    ...(granularity !== 'weight' && { granularity }),
    [goal.kind]: String(goal.value),
    ...(method === 'magnitude' && goal.kind === 'sparsity' && { scope }),
    espalier: VERSION,
  }
  return { weights: { ...weights, metadata: { ...unmeasured(weights.metadata), ...facts } }, ...rest }
}

/** Of one sample, with so many zeros in the tensors; undefined where the network does not run here. */
function multiplyAdds({ model, tensors }: Opened, zeros: readonly number[]): number | undefined {
  if (!model) return undefined
  const counts = tensors.map(({ name, shape }, i) => ({ name, size: sizeOf(shape), kept: sizeOf(shape) - zeros[i] }))
  return multiplyAddsOf(weightCosts(model), counts).kept
}

interface Timing {
  machine: Machine
  notes: string[]
  tell: Tell
}

/** Milliseconds of one sample, of each version. */
async function timesOf(opened: Opened, versions: readonly Version[], asked: Asked, { machine, notes, tell }: Timing) {
  const { model, name } = opened
  if (!model) return { here: [] }
  const here = await leastInTurns(versions.map((one) => runHere(inferred(opened, one), model, machine, name)))
  if (!asked.runtime) return { here }
  tell('Timing ONNX Runtime Web', 0.85)
  const runs: RuntimeRun[] = []
  try {
    for (const one of versions)
      runs.push(
        await openInRuntime(one.compact ?? targetOf(opened, one), encoded(opened, one, 'onnx'), machine.threads),
      )
    return { here, runtime: await leastInTurns(runs.map(({ run }) => run)), version: runs[0].version }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    notes.push(`${error.message}.`)
    return { here }
  } finally {
    for (const { close } of runs) await close()
  }
}
