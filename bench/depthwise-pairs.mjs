// A stem and six pairs of depthwise 3x3 and 1x1 convolutions of 256 channels at 32 x 32: as much as fits what
// LiteRT.js can skip zeros in. It does so where weights are stored encoded and the stem reads a PAD.
import { markdownTable } from 'markdown-table'
import { exportGraph, floats, onnxBytes } from '../dist/formats/onnx/export.js'
import { readOnnx } from '../dist/formats/onnx/onnx.js'
import { convLayer } from '../dist/graph/operators/conv.js'
import { relu } from '../dist/graph/operators/elementwise.js'
import { Graph } from '../dist/graph.js'
import { random } from '../dist/index.js'
import { classify } from '../dist/models/layers.js'
import { takeTurns, threadsText } from './contender.mjs'
import { sparseInference } from './espalier.mjs'
import { assertSameLogits } from './inference.mjs'
import { liteRt, tfliteBytes } from './litert.mjs'
import { onnxRuntimeWeb } from './onnxruntime.mjs'
import { milliseconds, percent, ratio } from './report.mjs'

const [PAIRS, CHANNELS, CLASSES] = [6, 256, 10]
/** Of images: the stem has stride 2, as it must have where LiteRT.js is to skip zeros behind it. */
const IMAGE = 64
const SPARSITIES = [0, 0.8, 0.9, 0.95]
const KINDS = [
  { engine: 'wasm', threads: 1 },
  { engine: 'native', threads: 1 },
  { engine: 'native', threads: 2 },
]

/** Images to logits: [1, 3, 64, 64] to [1, 10]. */
function networkGraph() {
  const graph = new Graph()
  const bordered = { pad: 1, bias: true }
  const images = graph.input('images', [1, 3, IMAGE, IMAGE])
  let x = relu(graph, convLayer(graph, images, 'stem', CHANNELS, 3, { ...bordered, stride: 2 }))
  for (let i = 0; i < PAIRS; i++) {
    x = relu(graph, convLayer(graph, x, `depthwise.${i}`, CHANNELS, 3, { ...bordered, group: CHANNELS }))
    x = relu(graph, convLayer(graph, x, `pointwise.${i}`, CHANNELS, 1, { bias: true }))
  }
  graph.output('logits', classify(graph, x, 'classifier', CLASSES))
  return graph
}

/** What contenders that infer are given; this share of the weights of 1x1 convolutions is zero. */
export function pairsCase(sparsity) {
  const graph = networkGraph()
  const weights = new Map()
  for (const { name, shape, initial } of graph.withRole('parameter')) {
    const draw = random(0, 'depthwise pairs', name)
    const left = () => !/pointwise.*weight/.test(name) || draw.uniform() >= sparsity
    const scale = Math.sqrt(2 / (initial.in * (name.startsWith('pointwise') ? 1 - sparsity : 1)))
    weights.set(
      name,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => (left() ? scale * draw.normal() : 0)),
    )
  }
  const initializers = graph.withRole('parameter').map(({ name, shape }) => floats(name, shape, weights.get(name)))
  const bytes = onnxBytes(exportGraph(graph, { inputs: graph.withRole('input'), initializers }))
  const draw = random(0, 'images')
  const images = Float32Array.from({ length: 3 * IMAGE * IMAGE }, () => draw.normal())
  return { graph, weights, images, batch: 1, sparsity, file: readOnnx(bytes, 'pairs.onnx') }
}

/** The same network as a .tflite file. */
export const tfliteOf = ({ file }) => tfliteBytes({ weights: file, onnx: file.onnx })

export async function benchDepthwisePairs(turns, notes) {
  const rows = []
  for (const sparsity of SPARSITIES) rows.push(...(await rowsOf(pairsCase(sparsity), turns, notes)))
  const head = ['zeros', '', 'ms', 'range', 'LiteRT.js, ms', 'times its rate', 'ort-web, ms', 'times its rate']
  return `## Six pairs of depthwise 3x3 and 1x1 convolutions

256 channels, 32 x 32, a 3x3 stem before and a classifier after them, one image; zeros at random in the 1x1
convolutions. LiteRT.js runs XNNPACK on one thread, in the same process as the others; it skips zeros where
weights are stored encoded and the stem reads a PAD, which is how its file is written here. Logits are
compared first.

${markdownTable([head, ...rows], { align: head.map((_, i) => (i === 1 ? 'l' : 'r')) })}`
}

/** The network on LiteRT.js. */
export const onLiteRt = (given, notes) => liteRt(tfliteOf(given), given.images, [3, IMAGE, IMAGE], notes)

async function rowsOf(given, turns, notes) {
  const own = []
  for (const kind of KINDS) own.push(await sparseInference(given, kind, 'auto'))
  const rivals = [await onLiteRt(given, notes), await onnxRuntimeWeb(given, notes)]
  const there = rivals.filter(Boolean)
  await assertSameLogits([own[0], ...own.slice(1), ...there])
  const times = await takeTurns([...own, ...there], turns)
  const timeOf = (rival) => (rival ? times[own.length + there.indexOf(rival)] : undefined)
  return KINDS.map(({ engine, threads }, i) => [
    percent(given.sparsity),
    `${engine}, ${threadsText(threads)}`,
    milliseconds(times[i].median),
    `${milliseconds(times[i].least)} to ${milliseconds(times[i].most)}`,
    ...rivals
      .map(timeOf)
      .flatMap((time) => (time ? [milliseconds(time.median), ratio(times[i], time).toFixed(2)] : ['', ''])),
  ])
}
