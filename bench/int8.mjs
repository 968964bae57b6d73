// One image through MobileNetV1 in integers of 8 bits: layers that compute with all weights and layers that
// skip groups of zeros, beside the same network in floats and beside ONNX Runtime in floats and integers.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { takeTurns, threadsText } from './contender.mjs'
import { int8Inference, sparseInference } from './espalier.mjs'
import { apart, assertSameLogits } from './inference.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime, onnxRuntimeWeb } from './onnxruntime.mjs'
import { quantizedBytes } from './quantize.mjs'
import { longest, machineText, milliseconds, percent, ratio } from './report.mjs'

const NETWORK = 'mobilenet-v1'
const PRUNED = /pointwise.*weight|fc\.weight/
/** Shares of zeros, and how many inputs in a row have theirs in the same places. */
const ZEROS = [{ sparsity: 0 }, { sparsity: 0.8 }, { sparsity: 0.9 }, { sparsity: 0.9, inputs: 4 }]
const KINDS = [
  { engine: 'native', threads: 1, rival: (given, notes, model) => onnxRuntime(given, 1, notes, model) },
  { engine: 'native', threads: 2, rival: (given, notes, model) => onnxRuntime(given, 2, notes, model) },
  { engine: 'wasm', threads: 1, rival: onnxRuntimeWeb },
]
/** Turns begin with what is not measured: ONNX Runtime's threads go on spinning after a run. */
const TURNS = { rounds: 9, seconds: 0.4, settling: 0.1 }
/** How far logits of integers may be from those of floats, as a share of the largest. */
const STEPS = 0.2

export async function benchInt8(out) {
  const notes = []
  const cases = []
  for (const zeros of ZEROS) {
    const given = inferenceCase(NETWORK, 1, { ...zeros, pruned: PRUNED })
    cases.push({ ...zeros, given, quantized: await quantizedBytes(given) })
  }
  const rows = []
  for (const kind of KINDS) rows.push(...(await rowsOf(cases, kind, notes)))
  const head = ['', 'zeros', 'ms', 'range', 'times the rate of ORT', 'of ORT int8', 'longest kernels, ms']
  const table = markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'l'] })
  const report = `# One image in integers of 8 bits

Measured with \`npm run bench int8\` on ${machineText()}. MobileNetV1 at 224 x 224, batch normalization
folded, random zeros in the 1x1 convolutions and the last layer; *by 4 inputs* has its zeros in the same
places for four input channels in a row, which one instruction multiplies and adds. Integers are those of
a QDQ model: weights int8 with a scale for each output, activations uint8 with ranges of the same image.
Our logits of integers are compared with those of ONNX Runtime's first. Contenders of an engine take turns
of 0.4 seconds, each after 0.1 that are not measured: medians of rounds, ratios round by round. ONNX
Runtime computes with zeros as with any number.

${[table, notes.join('\n')].filter(Boolean).join('\n\n')}
`
  writeFileSync(out, report)
  console.log(report)
}

async function rowsOf(cases, { engine, threads, rival }, notes) {
  const options = { engine, threads }
  const [dense] = cases
  const own = []
  for (const { given, quantized, ...zeros } of cases) {
    const kernels = zeros.sparsity === 0 ? 'dense' : 'auto'
    own.push({ ...zeros, kind: 'float32', contender: await sparseInference(given, options, kernels) })
    own.push({ ...zeros, kind: 'int8', contender: await int8Inference(given, options, kernels, quantized) })
  }
  const theirs = [await rival(dense.given, notes), await rival(dense.given, notes, dense.quantized)].filter(Boolean)
  if (theirs.length === 2) {
    await assertSameLogits([own[0].contender, theirs[0]])
    const difference = apart(await theirs[1].infer(), await own[1].contender.infer())
    if (!(difference < STEPS)) throw new Error(`int8: logits differ by ${difference} of the largest`)
  }
  const times = await takeTurns([...own.map(({ contender }) => contender), ...theirs], TURNS)
  const rivals = times.slice(own.length)
  const label = `${engine}, ${threadsText(threads)}`
  const timed = (time) => [milliseconds(time.median), `${milliseconds(time.least)} to ${milliseconds(time.most)}`]
  return [
    ...own.map(({ kind, contender, ...zeros }, i) => [
      `${label}, ${kind}`,
      zerosText(zeros),
      ...timed(times[i]),
      ...[0, 1].map((k) => (rivals[k] ? ratio(times[i], rivals[k]).toFixed(2) : '')),
      longest(contender.profile(11)),
    ]),
    ...theirs.map(({ name }, k) => [name, '', ...timed(rivals[k]), '', '', '']),
  ]
}

const zerosText = ({ sparsity, inputs }) => `${percent(sparsity)}${inputs ? ` by ${inputs} inputs` : ''}`
