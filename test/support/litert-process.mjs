// LiteRT.js in a process of its own, since it takes what it needs from the globals of a page. Reads jobs,
// each the path of a .tflite file and the values of its inputs, as JSON from stdin; writes to stdout for each
// job its outputs, or the error, and where `repeat` says how often, the milliseconds of the processor that
// each run took: other work on the machine takes none of them.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'

// Named by a variable, so that its types, which change those of Node, are not looked at.
const NAME = '@litertjs/core'
const lite = await import(NAME)
const folder = join(dirname(fileURLToPath(import.meta.resolve(NAME))), '../wasm/')
const require = createRequire(import.meta.url)
Object.assign(globalThis, { self: globalThis, require, __dirname: folder, __filename: join(folder, 'script.js') })
globalThis.importScripts = (path) => runInThisContext(readFileSync(path, 'utf8'), path)
const said = []
for (const name of ['error', 'warn', 'log', 'info']) console[name] = (...words) => said.push(words.join(' '))
await lite.loadLiteRt(folder)

const models = []
for (const { path, inputs, repeat = 0 } of JSON.parse(readFileSync(0, 'utf8'))) {
  said.length = 0
  try {
    const model = await lite.loadAndCompile(new Uint8Array(readFileSync(path)), { accelerator: 'wasm' })
    const given = inputs.map(({ shape, values }) => new lite.Tensor(Float32Array.from(values), shape))
    const outputs = (await model.run(given)).map((tensor) => {
      const values = Array.from(tensor.toTypedArray())
      return { shape: Array.from(tensor.type.layout.dimensions), values }
    })
    models.push({ model, given, repeat, result: { outputs, milliseconds: [] } })
  } catch (error) {
    models.push({ repeat: 0, result: { error: [String(error?.message ?? error), ...said].join('; ') } })
  }
}
// In turns, so that what else the machine does is shared by all.
for (let turn = 0; turn < Math.max(0, ...models.map(({ repeat }) => repeat)); turn++)
  for (const { model, given, repeat, result } of models) {
    if (turn >= repeat) continue
    const before = process.cpuUsage()
    for (const output of await model.run(given)) output.delete()
    const { user, system } = process.cpuUsage(before)
    result.milliseconds.push((user + system) / 1000)
  }
process.stdout.write(JSON.stringify(models.map(({ result }) => result)), () => process.exit(0))
