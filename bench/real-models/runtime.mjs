/**
 * @file Models in ONNX Runtime, one sample at a time, and how far a pruned one is from the dense one there.
 */
import { readFileSync } from 'node:fs'
import { parseOnnx } from '../../dist/formats/onnx/file.js'
import { RuntimeSession } from '../../dist/formats/onnxruntime/session.js'
import { sampleOf } from './inputs.mjs'

/** Held out: samples before these are what methods look at. */
const FIRST = 1000
const HELD_OUT = 6

export const openRuntime = (bytes, path) => RuntimeSession.open(bytes, { path, purpose: 'bench real-models' })

/** All outputs of a sample; inputs that are given are fed, too. */
export const runtimeOutputs = (session, sample, { given = {} }) =>
  session.run(
    new Map([
      ...sample,
      ...Object.entries(given).map(([name, value]) => [name, { type: 'I64', shape: [], values: [value] }]),
    ]),
  )

/**
 * How far the outputs of a pruned file are from those of the dense one, on samples that no method has seen:
 * the squared differences over those of the dense outputs from their mean over the samples, which is 1
 * where nothing is left but that mean; the mean over all outputs that depend on the sample.
 */
export async function distance({ bytes, path, settings, pruned }) {
  const file = parseOnnx(bytes, path)
  const sessions = [await openRuntime(bytes, path), await openRuntime(readFileSync(pruned), pruned)]
  const runs = []
  for (let i = 0; i < HELD_OUT; i++) {
    const sample = sampleOf(file, settings, FIRST + i)
    runs.push([
      await runtimeOutputs(sessions[0], sample, settings),
      await runtimeOutputs(sessions[1], sample, settings),
    ])
  }
  await Promise.all(sessions.map((session) => session.close()))
  const each = file.graph.output.map(({ name }) => {
    const [dense, sparse] = [0, 1].map((of) => runs.map((run) => run[of].get(name).values))
    return spread(dense, sparse)
  })
  const finite = each.filter(Number.isFinite)
  return { distance: finite.reduce((sum, one) => sum + one, 0) / finite.length }
}

/** Of one output, by sample. */
function spread(dense, sparse) {
  let [apart, own] = [0, 0]
  const count = dense.length
  for (let k = 0; k < dense[0].length; k++) {
    const mean = dense.reduce((sum, values) => sum + values[k], 0) / count
    for (let i = 0; i < count; i++) {
      apart += (sparse[i][k] - dense[i][k]) ** 2
      own += ((dense[i][k] - mean) ** 2 * count) / (count - 1)
    }
  }
  return apart / own
}
