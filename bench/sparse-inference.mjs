// Inference of a pruned ResNet-20: zeros skipped beside dense kernels, ONNX Runtime and TensorFlow.js, native
// against native and wasm against wasm.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { takeTurns, threadsText } from './contender.mjs'
import { sparseInference } from './espalier.mjs'
import { assertSameLogits } from './inference.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime, onnxRuntimeWeb } from './onnxruntime.mjs'
import { machineText, percent, ratio, stepTable } from './report.mjs'
import { inferenceFlops, MODEL } from './resnet20.mjs'
import { peaksOf, ROOFLINE_TEXT, rooflineTable } from './roofline.mjs'
import { tensorflowJs } from './tfjs.mjs'

const SPARSITIES = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99]
const BATCHES = [1, 64]
/** Stem, shortcuts and classifier stay dense. */
const pruned = /^layer.*conv/
/** Rivals are timed on these weights: what they take does not depend on zeros. */
const TIMED = 0.95

const kinds = {
  native: {
    title: 'native',
    threads: [1, 2],
    rivals: [(given, notes) => onnxRuntime(given, 1, notes), (given, notes) => onnxRuntime(given, 2, notes)],
  },
  wasm: { title: 'WebAssembly', threads: [1], rivals: [onnxRuntimeWeb, tensorflowJs] },
}

/** All contenders, once those with the same weights have been found to compute the same logits. */
async function contendersOf(kind, batch, notes) {
  const { threads, rivals } = kinds[kind]
  const dense = []
  const sparse = []
  const others = []
  for (const sparsity of SPARSITIES) {
    const given = inferenceCase(MODEL, batch, { sparsity, pruned })
    const own = []
    for (const count of threads) own.push(await sparseInference(given, { engine: kind, threads: count }, 'auto'))
    const theirs = []
    for (const rival of rivals) theirs.push(await rival(given, notes))
    const known = theirs.filter(Boolean)
    await assertSameLogits([...own, ...known])
    sparse.push(...own)
    if (sparsity !== TIMED) for (const { close } of known) close?.()
    else {
      others.push(...known)
      for (const count of threads) dense.push(await sparseInference(given, { engine: kind, threads: count }, 'dense'))
      await assertSameLogits([own[0], ...dense])
    }
  }
  const byThreads = (list) => [...list].sort((a, b) => a.threads - b.threads)
  return { dense, sparse: byThreads(sparse), rivals: others }
}

async function atBatch(kind, batch, peaks, notes) {
  const { dense, sparse, rivals } = await contendersOf(kind, batch, notes)
  const contenders = [...dense, ...sparse, ...rivals]
  const times = await takeTurns(contenders, { rounds: 7, seconds: 0.5 })
  return `## Batch ${batch}

${stepTable(contenders, times, { flops: inferenceFlops(batch), rival: 'ONNX Runtime', unit: 'batch' })}

Ratios of rates:

${ratioTable(contenders, times)}

What bounds it:

${rooflineTable(contenders, times, peaks)}`
}

/** Sparse contenders over dense ones and rivals with as many threads. */
function ratioTable(contenders, times) {
  const all = contenders.map((contender, i) => ({ ...contender, time: times[i] }))
  const [sparse, others] = [all.filter(({ sparsity }) => sparsity), all.filter(({ sparsity }) => !sparsity)]
  const kindOf = ({ name }) => name.replace(/, \d threads?.*/, '').replace(/^espalier.*/, 'our dense kernels')
  const columns = [...new Set(others.map(kindOf))]
  const rows = sparse.map(({ sparsity, threads, time }) => {
    const over = (column) => {
      const other = others.find((one) => kindOf(one) === column && one.name.includes(threadsText(threads)))
      return other ? ratio(time, other.time).toFixed(2) : ''
    }
    return [`${percent(sparsity)} zeros, ${threadsText(threads)}`, ...columns.map(over)]
  })
  const head = ['', ...columns.map((column) => `over ${column}`)]
  return markdownTable([head, ...rows], { align: ['l', ...columns.map(() => 'r')] })
}

async function bench(command, kind, out) {
  const notes = []
  const { title, threads } = kinds[kind]
  const peaks = new Map()
  for (const count of threads) peaks.set(count, await peaksOf(count, kind))
  const sections = [
    `# Inference of a pruned ResNet-20, ${title}

Measured with \`npm run bench ${command}\` on ${machineText()}. The same share of random zeros in every 3x3 convolution but the first; first layer, shortcuts and classifier are dense. All
contenders with the same weights compute the same logits from the same images, which is checked first at ${SPARSITIES.map((s) => percent(s)).join(', ')}; the rivals, whose time does not depend on zeros, are timed on
the weights of ${percent(TIMED)}. Contenders take turns, medians of rounds, ratios round by round; GFLOP/s count what a dense network would do. All have batch normalization folded into
the convolutions. Espalier (\`SparseModel\`, \`--kernels auto\`; large batches in chunks that fit a cache, each on a thread of its own) takes its images and gives its logits row-major; the others' input is ready in memory, in the layout that they prefer.

${ROOFLINE_TEXT}`,
  ]
  for (const batch of BATCHES) sections.push(await atBatch(kind, batch, peaks, notes))
  const report = `${[...sections, notes.join('\n')].filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}

export const benchSparseInference = (out) => bench('sparse-inference', 'native', out)
export const benchSparseInferenceWasm = (out) => bench('sparse-inference-wasm', 'wasm', out)
