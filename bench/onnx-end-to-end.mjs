// A PyTorch checkpoint pruned by value and written as ONNX: the accuracy that ONNX Runtime has with it beside
// what `espalier eval` says. npm run build && node bench/onnx-end-to-end.mjs --data FOLDER [--checkpoint
// FILE] [--model resnet20] [--out FILE]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import ort from 'onnxruntime-node'
import { loadDataset } from '../dist/data/index.js'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    checkpoint: { type: 'string', default: '../shared/data/checkpoints/resnet20_cifar10.pth.tar' },
    model: { type: 'string', default: 'resnet20' },
    mean: { type: 'string', default: '0.5,0.5,0.5' },
    std: { type: 'string', default: '0.5,0.5,0.5' },
    out: { type: 'string', default: 'docs/results/onnx.md' },
  },
})
if (!flags.data) throw new Error('expected --data with a folder of images')

const cases = [
  ['dense', []],
  ['global', []],
  ['layerwise', []],
  ['layerwise', ['--sparse']],
  ['layerwise', ['--fold-bn']],
  ['layerwise', ['--dtype', 'float16']],
]
const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
try {
  const rows = []
  for (const [scope, more] of cases) {
    const out = join(folder, 'out.onnx')
    const prune = ['--method', 'magnitude', '--refresh-bn', 'none', '--sparsity', scope === 'dense' ? '0' : '0.7']
    const preprocessing = ['--mean', flags.mean, '--std', flags.std]
    const usual = ['--data', flags.data, '--model', flags.model, ...preprocessing, '-o', out, ...more]
    const pruned = espalier(
      'prune',
      flags.checkpoint,
      ...prune,
      ...(scope === 'dense' ? [] : ['--scope', scope]),
      ...usual,
    )
    const evaluated = espalier('eval', '--weights', out, '--data', flags.data)
    const there = await correctThere(out)
    rows.push([scope, more.join(' '), pruned.prunable.kept, evaluated.correct, there, pruned.bytes].map(String))
    console.log(rows.at(-1).join(' '))
  }
  const head = [
    'scope',
    'written with',
    'weights kept of the pruned tensors',
    'right here',
    'right in ONNX Runtime',
    'bytes',
  ]
  const text = `# ResNet-20 pruned to 70 % and written as ONNX

The published checkpoint of ResNet-20 (a PyTorch file), pruned by magnitude without training, written as an ONNX model, and run on the 10,000 test images
by this engine (\`espalier eval\`) and by ONNX Runtime ${ort.env.versions.node}. Sparsity is of the pruned tensors: the 3x3 convolutions of the blocks.

${markdownTable([head, ...rows], { align: ['l', 'l', 'r', 'r', 'r', 'r'] })}

Made by \`node bench/onnx-end-to-end.mjs --data FOLDER\` on ${machineText()}.
`
  writeAtomically(flags.out, text)
} finally {
  rmSync(folder, { recursive: true })
}

function espalier(...args) {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  return JSON.parse(execFileSync(process.execPath, [main, ...args, '--json'], { encoding: 'utf8', maxBuffer: 1e8 }))
}

/** How many test images have their largest score at their label. */
async function correctThere(path) {
  const { test, image } = await loadDataset(flags.data)
  const [mean, std] = [flags.mean, flags.std].map((text) => text.split(',').map(Number))
  const session = await ort.InferenceSession.create(readFileSync(path), { intraOpNumThreads: 1 })
  const size = image[0] * image[1] * image[2]
  const plane = image[1] * image[2]
  let correct = 0
  for (let from = 0; from < test.count; from += 500) {
    const batch = Math.min(500, test.count - from)
    const pixels = Float32Array.from({ length: batch * size }, (_, i) => {
      const channel = Math.floor((i % size) / plane)
      return (test.images[from * size + i] / 255 - mean[channel]) / std[channel]
    })
    const { logits } = await session.run({ images: new ort.Tensor('float32', pixels, [batch, ...image]) })
    for (let n = 0; n < batch; n++) {
      const row = logits.data.subarray(n * 10, (n + 1) * 10)
      if (row.every((score) => score <= row[test.labels[from + n]])) correct++
    }
  }
  return correct
}
