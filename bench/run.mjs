// npm run bench [NAME [FILE]]: measures this engine beside others and writes docs/results/bench-NAME.md, or
// another file; real-models takes a folder of models before that. BENCH_ROUNDS=1 only tries it.
import { fileURLToPath } from 'node:url'
import { benchConv } from './conv.mjs'
import { benchDeployed } from './deployed.mjs'
import { benchGsmSelection } from './gsm-selection.mjs'
import { benchInt8 } from './int8.mjs'
import { benchKernelChoice } from './kernel-choice.mjs'
import { benchMlp } from './mlp.mjs'
import { benchOnnxSuite } from './onnx-suite.mjs'
import { benchRealModels } from './real-models.mjs'
import { benchSparse, benchSparseWrn } from './sparse.mjs'
import { benchSparseInference, benchSparseInferenceWasm } from './sparse-inference.mjs'
import { benchSparseKernels } from './sparse-kernels.mjs'
import { benchStartUp } from './start-up.mjs'
import { benchTflite } from './tflite.mjs'

const benches = {
  mlp: benchMlp,
  conv: benchConv,
  sparse: benchSparse,
  'sparse-wrn': benchSparseWrn,
  'sparse-kernels': benchSparseKernels,
  'sparse-inference': benchSparseInference,
  'sparse-inference-wasm': benchSparseInferenceWasm,
  deployed: benchDeployed,
  tflite: benchTflite,
  int8: benchInt8,
  'gsm-selection': benchGsmSelection,
  'start-up': benchStartUp,
  'kernel-choice': benchKernelChoice,
}
/** Asks for a device, so that it runs only where it is named. */
const asked = { webgpu: async (out) => (await import('./webgpu.mjs')).benchWebgpu(out) }
const [, , chosen, file, other] = process.argv
/** What runs models of others has a page of its own name. */
const suites = {
  'onnx-suite': () => benchOnnxSuite(file ?? result('onnx-suite')),
  'real-models': () => benchRealModels(file, other ?? result('real-models')),
}
const result = (name) => fileURLToPath(new URL(`../docs/results/${name}.md`, import.meta.url))
if (Object.hasOwn(suites, chosen ?? '')) {
  await suites[chosen]()
  process.exit(0)
}
for (const name of chosen === undefined ? Object.keys(benches) : [chosen]) {
  const bench = benches[name] ?? asked[name]
  if (!bench) {
    const known = [benches, asked, suites].flatMap(Object.keys)
    console.error(`there is no benchmark named ${name}; known: ${known.join(', ')}`)
    process.exit(1)
  }
  await bench(file ?? result(`bench-${name}`))
}
process.exit(0)
