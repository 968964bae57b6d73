// One image through networks as they are deployed, at their published resolution, beside ONNX Runtime, in
// floats and in integers of 8 bits: native on one and two threads, and WebAssembly beside onnxruntime-web.
// And a network of depthwise and 1x1 convolutions beside LiteRT.js, the only other runtime in a page that
// skips zeros.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { takeTurns, threadsText } from './contender.mjs'
import { benchDepthwisePairs } from './depthwise-pairs.mjs'
import { sparseInference } from './espalier.mjs'
import { apart, assertSameLogits } from './inference.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime, onnxRuntimeWeb } from './onnxruntime.mjs'
import { quantizedBytes } from './quantize.mjs'
import { longest, machineText, milliseconds, percent, ratio } from './report.mjs'

/** Networks, and the weights that are pruned. */
const NETWORKS = [
  { name: 'mobilenet-v1', title: 'MobileNetV1, 224 x 224', pruned: /pointwise.*weight|fc\.weight/ },
  {
    name: 'mobilenet-v2',
    title: 'MobileNetV2, 224 x 224',
    pruned: /^(?!features\.(0|1\.conv\.0)\.)(?!.*conv\.1\.0).*weight$/,
  },
  { name: 'efficientnet-lite0', title: 'EfficientNet-Lite0, 224 x 224', pruned: /(_pw|_pwl|_head|classifier)\.weight/ },
  { name: 'resnet18-imagenet', title: 'ResNet-18, 224 x 224', pruned: /^(layer|fc).*weight/ },
  { name: 'resnet50', title: 'ResNet-50, 224 x 224', pruned: /^(layer|fc).*weight/ },
  { name: 'resnet20', title: 'ResNet-20, 32 x 32', pruned: /^layer.*conv.*weight/ },
]
/** Shares of zeros, and how many outputs in a row have theirs in the same places. */
const ZEROS = [
  { sparsity: 0 },
  { sparsity: 0.8 },
  { sparsity: 0.9 },
  { sparsity: 0.95 },
  { sparsity: 0.9, outputs: 4 },
  { sparsity: 0.95, outputs: 8 },
]
const KINDS = [
  { engine: 'native', threads: 1, rival: (given, notes, model) => onnxRuntime(given, 1, notes, model) },
  { engine: 'native', threads: 2, rival: (given, notes, model) => onnxRuntime(given, 2, notes, model) },
  { engine: 'wasm', threads: 1, rival: onnxRuntimeWeb },
]
/** Turns are long, and begin with what is not measured: ONNX Runtime's threads go on spinning after a run. */
const TURNS = { rounds: 7, seconds: 0.4, settling: 0.1 }

export async function benchDeployed(out) {
  const notes = []
  const sections = [
    `# Networks as they are deployed: one image

Measured with \`npm run bench deployed\` on ${machineText()}. One image at
a time, batch normalization folded, random zeros in all layers but the first and depthwise convolutions (of
ResNet-20 in the 3x3 convolutions but the first); *by 4* and *by 8* have their zeros in the same places for so
many outputs in a row. Contenders of a table have the same weights but for the zeros; with each share of zeros
the logits are compared with ONNX Runtime's first. They take turns of 0.4 seconds, each after 0.1 that are not
measured: medians of rounds, ratios round by round. ONNX Runtime computes with zeros as with any number, so
that its time is that of the dense network. Its int8 is the dense network in QDQ form, static: weights int8
with a scale for each output, activations uint8 with ranges of the same image.`,
  ]
  for (const network of NETWORKS) sections.push(await sectionOf(network, notes))
  sections.push(await benchDepthwisePairs(TURNS, notes))
  const report = `${[...sections, notes.join('\n')].filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}

async function sectionOf({ name, title, pruned }, notes) {
  const cases = ZEROS.map((zeros) => ({ ...zeros, given: inferenceCase(name, 1, { ...zeros, pruned }) }))
  const quantized = await quantizedBytes(cases[0].given)
  const parts = []
  for (const kind of KINDS) parts.push(...(await rowsOf(cases, quantized, kind, notes)))
  const head = ['', 'zeros', 'ms', 'range', 'ORT, ms', 'times its rate', 'ORT int8, ms', 'times its rate']
  const table = markdownTable([[...head, 'longest kernels, ms'], ...parts], {
    align: ['l', ...head.slice(1).map(() => 'r'), 'l'],
  })
  return `## ${title}\n\n${table}`
}

/** `cases` keep logits that agreed with ONNX Runtime's as `checked`: later ones are compared with these. */
async function rowsOf(cases, quantized, { engine, threads, rival }, notes) {
  const own = []
  const theirs = []
  for (const one of cases) {
    const contender = await sparseInference(one.given, { engine, threads }, 'auto')
    const other = one.sparsity === 0 || !one.checked ? await rival(one.given, notes) : undefined
    await assertSameLogits([...(one.checked ? [one.checked] : []), contender, ...(other ? [other] : [])])
    own.push(contender)
    if (other && one.sparsity === 0) theirs.push(other)
    else other?.close?.()
    const logits = contender.infer()
    one.checked ??= { name: contender.name, infer: () => logits }
  }
  if (theirs.length > 0) {
    const int8 = await rival(cases[0].given, notes, quantized)
    const difference = apart(await own[0].infer(), await int8.infer())
    if (!(difference < 0.2)) throw new Error(`${int8.name}: its logits differ by ${difference} of the largest`)
    theirs.push(int8)
  }
  const times = await takeTurns([...own, ...theirs], TURNS)
  const rivals = theirs.length > 0 ? times.slice(own.length) : []
  return own.map(({ profile }, i) => [
    `${engine}, ${threadsText(threads)}`,
    zerosText(cases[i]),
    milliseconds(times[i].median),
    `${milliseconds(times[i].least)} to ${milliseconds(times[i].most)}`,
    ...[0, 1].flatMap((k) =>
      rivals[k] ? [milliseconds(rivals[k].median), ratio(times[i], rivals[k]).toFixed(2)] : ['', ''],
    ),
    longest(profile(11)),
  ])
}

const zerosText = ({ sparsity, outputs }) => `${percent(sparsity)}${outputs ? ` by ${outputs}` : ''}`
