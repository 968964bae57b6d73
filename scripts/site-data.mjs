// What the pages of site/ have beside them, in build/site-data: 12,000 training and 2,000 test images of
// MNIST (LeCun et al. 1998) as one compressed file, LeNet-5, trained on the former, as the sample, ONNX
// Runtime Web, which is loaded where it is asked for, the licenses of what the pages contain, and headers,
// for the hosts that read such a file, with which browsers give the pages threads.
//
// Usage: node scripts/site-data.mjs, after a build; what is there already stays
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { findModel, loadDataset, Network, openMachine, train, weightsOf, writeNetwork } from '../lib/index.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'build/site-data')
mkdirSync(folder, { recursive: true })
const preact = readFileSync(join(root, 'node_modules/preact/LICENSE'), 'utf8').trim()
const others = readFileSync(join(root, 'lib/LICENSES.txt'), 'utf8')
// Its package says that it is under the MIT license, and brings no copy of it.
const runtime = JSON.parse(readFileSync(join(root, 'node_modules/onnxruntime-web/package.json'), 'utf8'))
const mit = preact.slice(preact.indexOf('Permission is hereby granted'))
const licenses = [
  others,
  `preact\n\n${preact}`,
  `${runtime.name} ${runtime.version}\n\n${runtime.license} License\n\nCopyright (c) Microsoft Corporation\n\n${mit}`,
]
writeFileSync(join(folder, 'licenses.txt'), `${licenses.map((one) => one.trim()).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`)

const headers = ['/*', '  Cross-Origin-Opener-Policy: same-origin', '  Cross-Origin-Embedder-Policy: require-corp']
writeFileSync(join(folder, '_headers'), `${headers.join('\n')}\n`)

mkdirSync(join(folder, 'ort'), { recursive: true })
for (const file of ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
  copyFileSync(join(root, 'node_modules/onnxruntime-web/dist', file), join(folder, 'ort', file))

const mnist = await loadDataset('mnist')
const part = ({ images, labels }, count) => ({
  count,
  images: images.subarray(0, count * 784),
  labels: labels.subarray(0, count),
})
const data = { ...mnist, train: part(mnist.train, 12_000), test: part(mnist.test, 2000) }

const digits = join(folder, 'mnist.bin')
if (!existsSync(digits)) {
  const counts = Buffer.alloc(8)
  counts.writeUInt32LE(data.train.count, 0)
  counts.writeUInt32LE(data.test.count, 4)
  const parts = [data.train, data.test].flatMap(({ images, labels }) => [images, labels])
  writeFileSync(digits, gzipSync(Buffer.concat([counts, ...parts]), { level: 9 }))
}

const sample = join(folder, 'lenet-5.onnx')
if (!existsSync(sample)) {
  const model = findModel('lenet-5')
  const network = new Network({ machine: await openMachine(), model, data, batch: 64 })
  await train(network, { epochs: 2, schedule: { kind: 'cosine', base: 0.05 }, optimizer: { momentum: 0.9 } })
  const { accuracy } = network.evaluate('test')
  if (!(accuracy > 0.96)) throw new Error(`the sample tells ${accuracy} of the digits right, expected more than 0.96`)
  await writeNetwork(sample, { weights: weightsOf(network), model })
}
