/**
 * @file Time and memory of `espalier prune --method magnitude` and `convert` of a large ONNX model:
 * `node bench/onnx-by-value.mjs [MB]` (default 109), medians of three. The model is a chain of products with
 * matrices of 1024 x 1024. What reading and writing the file takes alone is the floor.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'

const SIDE = 1024
const layers = Math.max(1, Math.round(Number(process.argv[2] ?? 109) / 4.194304))
const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-'))
const [model, out] = ['model.onnx', 'out.onnx'].map((name) => join(folder, name))

let state = 1
function matrix(name) {
  const values = Float32Array.from({ length: SIDE * SIDE }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state / 0x40000000 - 1) / 32
  })
  return { name, dims: [BigInt(SIDE), BigInt(SIDE)], dataType: 1, rawData: new Uint8Array(values.buffer) }
}
const dim = [{ value: { case: 'dimParam', value: 'N' } }, { value: { case: 'dimValue', value: BigInt(SIDE) } }]
const info = (name) => ({ name, type: { value: { case: 'tensorType', value: { elemType: 1, shape: { dim } } } } })
const names = Array.from({ length: layers }, (_, i) => i)
const graph = {
  name: 'graph',
  input: [info('h0')],
  output: [info(`h${layers}`)],
  initializer: names.map((i) => matrix(`w${i}`)),
  node: names.map((i) => ({ opType: 'MatMul', input: [`h${i}`, `w${i}`], output: [`h${i + 1}`] })),
}
const bytes = toBinary(
  ModelProtoSchema,
  create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }),
)
writeFileSync(model, bytes)

const report = `data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS))`
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
function measure(args) {
  const runs = Array.from({ length: 3 }, () => {
    const started = performance.now()
    const { status, stderr } = spawnSync(process.execPath, ['--import', report, 'dist/cli/main.js', ...args], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return { seconds: (performance.now() - started) / 1000, bytes: 1024 * Number(stderr.trim().split('\n').at(-1)) }
  })
  return { seconds: median(runs.map((run) => run.seconds)), bytes: median(runs.map((run) => run.bytes)) }
}

const floor = Array.from({ length: 3 }, () => {
  const started = performance.now()
  writeFileSync(out, readFileSync(model))
  return (performance.now() - started) / 1000
})
console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}; ${(bytes.length / 1e6).toFixed(0)} MB`)
console.log(`reading and writing the file: ${median(floor).toFixed(2)} s`)
const commands = {
  prune: ['prune', model, '--method', 'magnitude', '--sparsity', '0.7', '-o', out, '--force', '--json'],
  convert: ['convert', model, out, '--force', '--json'],
  'convert --sparse': ['convert', model, out, '--sparse', '--force', '--json'],
}
for (const [name, args] of Object.entries(commands)) {
  const { seconds, bytes: peak } = measure(args)
  console.log(`${name}: ${seconds.toFixed(1)} s, ${(peak / bytes.length).toFixed(1)} times the file`)
}
rmSync(folder, { recursive: true })
