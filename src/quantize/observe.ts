/** @file What values of an ONNX model take over some samples: their least and largest, then histograms. */
import { compile } from '../engine/compile.ts'
import type { Floats, Machine } from '../engine/machine.ts'
import { feedByName } from '../formats/onnx/feeds.ts'
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { shaped } from '../formats/onnx/model-inputs.ts'
import { storedAs } from '../formats/onnx/network.ts'
import { NetworkReader } from '../formats/onnx/read-network.ts'
import type { FedArray } from '../formats/onnxruntime/session.ts'
import { toFloats } from '../formats/safetensors-bytes.ts'
import { Graph } from '../graph/graph.ts'
import type { Shape } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { Histogram, type Range } from './ranges.ts'

export interface Observed {
  machine: Machine
  file: OnnxFile
  reading: ImportOptions
  /** Inputs of the model by name, a run each, of as many samples as it is written for. */
  runs: readonly ReadonlyMap<string, FedArray>[]
  progress?(done: number, total: number): void
}

const PROGRAM = 'observe'

/** Histograms of the named values, over two passes. Throws UserError where one is not finite. */
export function histograms(names: readonly string[], observed: Observed): Map<string, Histogram> {
  const { runs, progress } = observed
  const run = runsOf(names, observed)
  const ranges = new Map<string, Range>(names.map((name) => [name, [0, 0]]))
  let done = 0
  const each = (see: (name: string, values: Floats) => void) => {
    for (const feeds of runs) {
      run(feeds, see)
      progress?.(++done, 2 * runs.length)
    }
  }
  each((name, values) => {
    let [least, most] = ranges.get(name)!
    for (let i = 0; i < values.length; i++) {
      const x = values[i]
      if (!Number.isFinite(x)) throw new UserError(`${observed.file.path}: ${name} has a value of ${x} on the data`)
      if (x < least) least = x
      else if (x > most) most = x
    }
    ranges.set(name, [least, most])
  })
  const found = new Map(names.map((name) => [name, new Histogram(ranges.get(name)!)]))
  each((name, values) => found.get(name)!.add(values))
  return found
}

/**
 * Means over samples and places of the named values, by their channels: the second axis, or of what products
 * read the last one.
 */
export function channelMeans(
  names: ReadonlyMap<string, 'second' | 'last'>,
  observed: Observed,
): Map<string, Float64Array> {
  const run = runsOf([...names.keys()], observed)
  const found = new Map<string, Float64Array>()
  for (const feeds of observed.runs)
    run(feeds, (name, values, shape) => {
      const axis = names.get(name) === 'last' ? shape.length - 1 : 1
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
      const sums = found.get(name) ?? new Float64Array(shape[axis])
      const perValue = sums.length / values.length / observed.runs.length
      for (let i = 0; i < values.length; i++) sums[Math.floor(i / inner) % sums.length] += perValue * values[i]
      found.set(name, sums)
    })
  return found
}

/** The model as a program that gives the named values. */
function runsOf(names: readonly string[], { machine, file, reading, runs: [first] }: Observed) {
  if (!first) throw new UserError(`${file.path}: expected at least one sample`)
  const reader = new NetworkReader(file, reading)
  const batch = reader.fixedBatch ?? 1
  const inputs = shaped(reader.inputs, batch, reading, file.path)
  const graph = new Graph()
  const { scope, values } = reader.translate(graph, feedByName(graph, inputs, batch), {
    training: false,
    outputs: names,
  })
  const tensors = new Map(names.map((name) => [name, reader.tensorOf(values, name, scope)]))
  for (const [name, tensor] of tensors) graph.output(name, tensor)
  const executable = compile(machine, { [PROGRAM]: graph })
  for (const { name, shape } of graph.stored())
    executable.view(name).set(toFloats(storedAs(file, scope.origins.get(name)!, shape)))
  return (feeds: ReadonlyMap<string, FedArray>, see: (name: string, values: Floats, shape: Shape) => void) => {
    for (const { name } of inputs) executable.write(PROGRAM, name, feeds.get(name)!.values)
    executable.run(PROGRAM)
    for (const [name, { shape }] of tensors) see(name, executable.read(PROGRAM, name), shape)
  }
}
