/**
 * @file Whether a model runs here, and how far its outputs are from ONNX Runtime's: alone, and as samples
 * of a batch of three.
 */
import { compile } from '../../dist/engine/compile.js'
import { parseOnnx } from '../../dist/formats/onnx/file.js'
import { storedAs } from '../../dist/formats/onnx/network.js'
import { NetworkReader } from '../../dist/formats/onnx/read-network.js'
import { rowNetwork } from '../../dist/formats/onnx/row-network.js'
import { wholeNetwork } from '../../dist/formats/onnx/whole-network.js'
import { toFloats } from '../../dist/formats/safetensors-bytes.js'
import { Graph } from '../../dist/graph/graph.js'
import { readingOf, sampleOf } from './inputs.mjs'
import { openRuntime, runtimeOutputs } from './runtime.mjs'

const SAMPLES = 3

/** What single precision cannot tell from 0 beside 1, as in a sigmoid that is as good as 0. */
const UNIT = 2 ** -23

/**
 * max |here - there| / max |there|, the largest of all outputs, and the outputs that do not run. Differences
 * below 2^-23 are none: runtimes have functions of their own for values next to 0 or 1.
 */
export async function agreement({ bytes, path, settings, machine }) {
  const file = parseOnnx(bytes, path)
  const samples = Array.from({ length: SAMPLES }, (_, i) => sampleOf(file, settings, i))
  const { outputs, lacking, milliseconds } = alone(file, settings, machine, samples[0])
  const session = await openRuntime(bytes, path)
  const expected = []
  for (const sample of samples) expected.push(await runtimeOutputs(session, sample, settings))
  await session.close()
  const single = Math.max(...[...outputs].map(([name, values]) => apart(values, expected[0].get(name).values)))
  return { single, milliseconds, lacking, ...together(file, settings, machine, samples, expected) }
}

/** The graph as it is, of one sample. */
function alone(file, settings, machine, sample) {
  const { graph, values, lacking } = wholeNetwork(file, { ...readingOf(settings, 1), layout: 'NCHW' }, 1)
  const executable = filled(machine, graph, values)
  for (const { name } of graph.withRole('input'))
    executable.write('graph', name, (sample.get(name) ?? [...sample.values()][0]).values)
  executable.run('graph')
  const started = performance.now()
  executable.run('graph')
  const milliseconds = performance.now() - started
  const outputs = new Map([...graph.outputs.keys()].map((name) => [name, executable.read('graph', name)]))
  return { outputs, lacking: lacking.map(({ output, reason }) => `${output}: ${reason}`), milliseconds }
}

/** The graph that is pruned, whose samples are rows. */
function together(file, settings, machine, samples, expected) {
  try {
    const options = readingOf(settings, SAMPLES)
    const reader = new NetworkReader(file, options)
    const rows = rowNetwork(file, reader, options)
    const graph = new Graph()
    const built = rows.build(graph, graph.input('images', [SAMPLES, ...rows.image]), false)
    graph.output('rows', built.scores)
    const { origins } = built.scope
    const values = graph.stored().map(({ name, shape }) => [name, toFloats(storedAs(file, origins.get(name), shape))])
    const executable = filled(machine, graph, values)
    const input = samples.flatMap((sample) => rows.inputs.flatMap((part) => channelsFirst(part, sample.get(part.name))))
    executable.write('graph', 'images', input)
    executable.run('graph')
    const found = executable.read('graph', 'rows')
    let at = 0
    const distances = samples.flatMap((_, i) =>
      rows.outputs.map((part) => {
        const values = found.subarray(at, (at += sizeOf(part.shape)))
        const { values: there } = expected[i].get(part.name)
        return apart(part.softmax ? softmax(values, part.shape.at(-1), there) : values, there)
      }),
    )
    return { batch: Math.max(...distances) }
  } catch (error) {
    return { batchReason: error.message }
  }
}

/** The values of one sample as the graph has them, whose images are channels first. */
function channelsFirst({ layout, shape }, { values }) {
  if (layout !== 'NHWC') return Array.from(values)
  const [rows, columns, channels] = shape
  return Array.from({ length: values.length }, (_, i) => {
    const channel = Math.floor(i / (rows * columns))
    return values[(i % (rows * columns)) * channels + channel]
  })
}

/** What ends in a softmax is logits here. A logarithm of one is told by its values. */
function softmax(logits, classes, like) {
  const isLogarithm = like.some((value) => value < 0)
  const result = Float32Array.from(logits)
  for (let from = 0; from < logits.length; from += classes) {
    const row = logits.subarray(from, from + classes)
    const most = row.reduce((a, b) => Math.max(a, b))
    const sum = row.reduce((total, x) => total + Math.exp(x - most), 0)
    for (let i = 0; i < classes; i++)
      result[from + i] = isLogarithm ? row[i] - most - Math.log(sum) : Math.exp(row[i] - most) / sum
  }
  return result
}

const sizeOf = (shape) => shape.reduce((product, n) => product * n, 1)

function filled(machine, graph, values) {
  const executable = compile(machine, { graph })
  for (const [name, list] of values) if (executable.has(name)) executable.view(name).set(list)
  return executable
}

/** Infinite where one has other numbers that are none. */
function apart(found, expected) {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  let [most, largest] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(found[i], expected[i])) continue
    const difference = Math.abs(found[i] - expected[i])
    if (difference <= UNIT) continue
    most = Math.max(most, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
  }
  for (const value of expected) largest = Math.max(largest, Math.abs(value))
  return most === 0 ? 0 : most / largest
}
