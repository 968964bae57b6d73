// Inference of ResNet-20 beside ONNX Runtime and TensorFlow.js: the same weights, the same images, the same
// logits.
import { takeTurns } from './contender.mjs'
import { inference } from './espalier.mjs'
import { inferenceCase } from './inference-case.mjs'
import { onnxRuntime } from './onnxruntime.mjs'
import { ratioList, stepTable } from './report.mjs'
import { BATCH, inferenceFlops, MODEL } from './resnet20.mjs'
import { tensorflowJs } from './tfjs.mjs'

/** Largest difference between the logits of two contenders, as a share of the largest logit. */
const TOLERANCE = 1e-5

const pairs = [
  ['native, 2 threads over 1', 'native 2', 'native 1'],
  ['native over WebAssembly, 1 thread', 'native 1', 'wasm'],
  ['native over ONNX Runtime, 1 thread', 'native 1', 'onnx 1'],
  ['native over ONNX Runtime, 2 threads', 'native 2', 'onnx 2'],
  ['WebAssembly over TensorFlow.js, 1 thread', 'wasm', 'tfjs'],
]

export async function inferences(notes) {
  const sections = []
  for (const batch of [BATCH, 1]) sections.push(await atBatch(batch, notes))
  return `## Inference

Contenders take turns as above. All compute the same logits for the same weights and images, which is checked first: they differ by less than ${TOLERANCE.toExponential()} of
the largest. Espalier reads and normalizes its batch from a data set of bytes; the others' input is ready in memory, in the layout that they
prefer. ONNX Runtime folds batch normalization into the convolutions when it loads the model; TensorFlow.js is given it folded, with ReLU fused, as
its converter does; Espalier does not fold it.

${sections.join('\n\n')}`
}

async function atBatch(batch, notes) {
  const given = inferenceCase(MODEL, batch)
  const contenders = [
    await inference(given, { engine: 'native', threads: 1 }),
    await inference(given, { engine: 'native', threads: 2 }),
    await inference(given, { engine: 'wasm' }),
    await onnxRuntime(given, 1, notes),
    await onnxRuntime(given, 2, notes),
    await tensorflowJs(given, notes),
  ].filter((contender) => contender !== undefined)
  await assertSameLogits(contenders)
  const times = await takeTurns(contenders, { rounds: 5, seconds: 1 })
  return `### Batch ${batch}

${stepTable(contenders, times, { flops: inferenceFlops(batch), rival: 'ONNX Runtime', unit: 'batch' })}

Ratios of rates:

${ratioList(contenders, times, pairs)}`
}

/** Throws where contenders that `infer` do not agree. */
export async function assertSameLogits([first, ...others]) {
  const expected = await first.infer()
  for (const other of others) {
    const difference = apart(expected, await other.infer())
    if (!(difference <= TOLERANCE))
      throw new Error(
        `${other.name} and ${first.name} compute different logits: they differ by ${difference} of the largest`,
      )
  }
}

/** The largest difference over the largest value of `a`; NaN where the lengths differ. */
export function apart(a, b) {
  const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0)
  return a.length === b.length ? worst / largest : Number.NaN
}
