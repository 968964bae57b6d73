// One image through networks as .tflite files in LiteRT.js (XNNPACK in WebAssembly, one thread): what zeros,
// halves and bytes change. All forms of a network take turns.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { readOnnx } from '../dist/formats/onnx/onnx.js'
import { takeTurns } from './contender.mjs'
import { pairsCase, tfliteOf } from './depthwise-pairs.mjs'
import { apart } from './inference.mjs'
import { inferenceCase } from './inference-case.mjs'
import { liteRt, tfliteBytes } from './litert.mjs'
import { quantizedBytes } from './quantize.mjs'
import { machineText, milliseconds, percent, ratio } from './report.mjs'

/** Networks, and the weights that are pruned: those of 1x1 convolutions, with or without stride. */
const NETWORKS = [
  { name: 'mobilenet-v1', title: 'MobileNetV1, 224 x 224', pruned: /pointwise.*weight/ },
  {
    name: 'mobilenet-v2',
    title: 'MobileNetV2, 224 x 224',
    pruned: /^features\.(?!0\.|1\.conv\.0\.)(?!.*conv\.1\.0).*weight$/,
  },
  { name: 'efficientnet-lite0', title: 'EfficientNet-Lite0, 224 x 224', pruned: /(_pw|_pwl|_head)\.weight/ },
]
const SPARSITIES = [0, 0.8, 0.9, 0.95]
const TURNS = { rounds: 7, seconds: 0.4 }

export async function benchTflite(out) {
  const notes = []
  const sections = [
    `# Networks as .tflite files

Measured with \`npm run bench tflite\` on ${machineText()}. One image at
a time in LiteRT.js, which runs XNNPACK in WebAssembly on one thread; files as \`espalier convert\` writes
them. Zeros are drawn at random in the 1x1 convolutions. Int8 is the same dense network, quantized to ONNX's
QDQ form by ranges of the same image. Logits of float16 and int8 are compared with the dense ones first (those
of float32 files with ONNX Runtime's in the tests). All forms of a network take turns of 0.4 seconds: medians,
and ratios round by round.`,
  ]
  for (const network of NETWORKS) sections.push(await sectionOf(network, notes))
  sections.push(await pairsSection(notes))
  const report = `${[...sections, notes.join('\n')].filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}

async function sectionOf({ name, title, pruned }, notes) {
  const cases = SPARSITIES.map((sparsity) => inferenceCase(name, 1, { sparsity, pruned }))
  const [dense] = cases
  const stored = ({ model, file }) => ({ model, weights: file })
  const whole = readOnnx(await quantizedBytes(dense), `${name}.onnx`)
  const forms = [
    ...cases.map((one) => ({ label: percent(one.sparsity), form: 'float32', bytes: tfliteBytes(stored(one)) })),
    { label: percent(0), form: 'float16', bytes: tfliteBytes(stored(dense), { float16: true }), most: 0.02 },
    { label: percent(0), form: 'int8', bytes: tfliteBytes({ weights: whole, onnx: whole.onnx }), most: 0.2 },
  ]
  return `## ${title}\n\n${await tableOf(forms, dense.images, dense.model.image, notes)}`
}

async function pairsSection(notes) {
  const cases = SPARSITIES.map((sparsity) => pairsCase(sparsity))
  const forms = cases.map((one) => ({ label: percent(one.sparsity), form: 'float32', bytes: tfliteOf(one) }))
  const table = await tableOf(forms, cases[0].images, cases[0].graph.tensors.get('images').shape.slice(1), notes)
  return `## Six pairs of depthwise 3x3 and 1x1 convolutions, 256 channels, 32 x 32\n\n${table}`
}

async function tableOf(forms, images, image, notes) {
  const contenders = []
  for (const { bytes } of forms) contenders.push(await liteRt(bytes, images, image, notes))
  if (!contenders.every(Boolean)) return 'LiteRT.js cannot be loaded.'
  const logits = await contenders[0].infer()
  for (const [i, { most, form }] of forms.entries()) {
    const difference = apart(logits, await contenders[i].infer())
    if (most !== undefined && !(difference < most)) throw new Error(`${form}: its logits differ by ${difference}`)
  }
  const times = await takeTurns(contenders, TURNS)
  const rows = forms.map(({ label, form, bytes }, i) => [
    label,
    form,
    `${(bytes.length / 1e6).toFixed(2)} MB`,
    milliseconds(times[i].median),
    `${milliseconds(times[i].least)} to ${milliseconds(times[i].most)}`,
    ratio(times[i], times[0]).toFixed(2),
  ])
  const head = ['zeros', 'weights', 'file', 'ms', 'range', 'times the rate of the first']
  return markdownTable([head, ...rows], { align: ['r', 'l', 'r', 'r', 'r', 'r'] })
}
