// One image through networks as they are deployed, at their published resolution, beside ONNX Runtime: native
// on one and two threads, and WebAssembly beside onnxruntime-web.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { takeTurns, threadsText } from './contender.mjs'
import { sparseInference } from './espalier.mjs'
import { assertSameLogits } from './inference.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime, onnxRuntimeWeb } from './onnxruntime.mjs'
import { machineText, milliseconds, percent, ratio } from './report.mjs'

/** Networks, and the weights that are pruned. */
const NETWORKS = [
  { name: 'mobilenet-v1', title: 'MobileNetV1, 224 x 224', pruned: /pointwise.*weight|fc\.weight/ },
  { name: 'resnet50', title: 'ResNet-50, 224 x 224', pruned: /^(layer|fc).*weight/ },
  { name: 'resnet20', title: 'ResNet-20, 32 x 32', pruned: /^layer.*conv.*weight/ },
]
const SPARSITIES = [0, 0.8, 0.9, 0.95]
const KINDS = [
  { engine: 'native', threads: 1, rival: (given, notes) => onnxRuntime(given, 1, notes) },
  { engine: 'native', threads: 2, rival: (given, notes) => onnxRuntime(given, 2, notes) },
  { engine: 'wasm', threads: 1, rival: onnxRuntimeWeb },
]

export async function benchDeployed(out) {
  const notes = []
  const sections = [
    `# Networks as they are deployed: one image

Measured with \`npm run bench deployed\` on ${machineText()}. One image at
a time, batch normalization folded, random zeros in all layers but the first and depthwise convolutions (of
ResNet-20 in the 3x3 convolutions but the first). Contenders of a table have the same weights but for the
zeros; with each share of zeros the logits are compared with ONNX Runtime's first. They take turns: medians of
rounds, ratios round by round. ONNX Runtime computes with zeros as with any number, so that its time is that
of the dense network.`,
  ]
  for (const network of NETWORKS) sections.push(await sectionOf(network, notes))
  const report = `${[...sections, notes.join('\n')].filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}

async function sectionOf({ name, title, pruned }, notes) {
  const parts = []
  for (const kind of KINDS) parts.push(...(await rowsOf(name, pruned, kind, notes)))
  const head = ['', 'zeros', 'ms (median)', 'range', 'ONNX Runtime, ms', 'times its rate', 'longest kernels, ms']
  const table = markdownTable([head, ...parts], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'l'] })
  return `## ${title}\n\n${table}`
}

async function rowsOf(name, pruned, { engine, threads, rival }, notes) {
  const own = []
  let theirs
  for (const sparsity of SPARSITIES) {
    const given = inferenceCase(name, 1, { sparsity, pruned })
    const contender = await sparseInference(given, { engine, threads }, 'auto')
    const other = await rival(given, notes)
    await assertSameLogits([contender, ...(other ? [other] : [])])
    own.push({ ...contender, sparsity })
    if (sparsity === 0) theirs = other
    else other?.close?.()
  }
  const times = await takeTurns(theirs ? [...own, theirs] : own, { rounds: 9, seconds: 0.4 })
  const last = theirs && times[own.length]
  return own.map(({ sparsity, profile }, i) => [
    `${engine}, ${threadsText(threads)}`,
    percent(sparsity),
    milliseconds(times[i].median),
    `${milliseconds(times[i].least)} to ${milliseconds(times[i].most)}`,
    last ? milliseconds(last.median) : '',
    last ? ratio(times[i], last).toFixed(2) : '',
    longest(profile(11)),
  ])
}

/** The kernels that take longest, with the number of their calls. */
function longest(calls) {
  const sums = new Map()
  for (const { kernel, milliseconds: ms } of calls) {
    const { count, total } = sums.get(kernel) ?? { count: 0, total: 0 }
    sums.set(kernel, { count: count + 1, total: total + ms })
  }
  return [...sums]
    .sort(([, a], [, b]) => b.total - a.total)
    .slice(0, 3)
    .map(([kernel, { count, total }]) => `${count} ${kernel} ${total.toFixed(2)}`)
    .join(', ')
}
