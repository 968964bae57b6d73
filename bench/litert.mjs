// LiteRT.js (XNNPACK as WebAssembly, one thread) as a contender. It is made for pages: what it expects of one
// is given to it, so that it runs in the same process as the others.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import { sourceOf } from '../dist/formats/network-source.js'
import { tfliteOf } from '../dist/formats/write-tflite.js'
import { optional, timed } from './contender.mjs'

const NAME = '@litertjs/core'

let loading
/** The library, once; undefined, and a note, where it cannot be loaded. */
function library(notes) {
  loading ??= load(notes)
  return loading
}

async function load(notes) {
  const lite = await optional(NAME, notes)
  if (!lite) return undefined
  const require = createRequire(import.meta.url)
  const folder = join(dirname(fileURLToPath(import.meta.resolve(NAME))), '../wasm/')
  // A script of a page, as Emscripten writes it for Node.
  Object.assign(globalThis, { self: globalThis, require, __dirname: folder, __filename: join(folder, 'script.js') })
  globalThis.importScripts = (path) => runInThisContext(readFileSync(path, 'utf8'), path)
  const { error, warn, log, info } = console
  Object.assign(console, { error() {}, warn() {}, log() {}, info() {} })
  try {
    await lite.loadLiteRt(folder)
  } finally {
    Object.assign(console, { error, warn, log, info })
  }
  const { version } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'))
  return { ...lite, version }
}

/** A network with its weights as the bytes of a .tflite file. */
export const tfliteBytes = (stored, options = {}) =>
  tfliteOf('network.tflite', sourceOf('network.tflite', stored), options).encode({})

/** A model, the bytes of a .tflite file, on one image [C, H, W]. */
export async function liteRt(model, image, [channels, rows, columns], notes) {
  const lite = await library(notes)
  if (!lite) return undefined
  const compiled = await lite.loadAndCompile(model, { accelerator: 'wasm' })
  const places = rows * columns
  const last = image.map((_, i) => image[(i % channels) * places + Math.floor(i / channels)])
  const input = new lite.Tensor(last, [1, rows, columns, channels])
  const run = async () => {
    const [output] = await compiled.run(input)
    return output
  }
  const infer = async () => {
    const output = await run()
    const values = Float32Array.from(output.toTypedArray())
    output.delete()
    return values
  }
  const step = async () => (await run()).delete()
  return {
    name: `LiteRT.js ${lite.version}, 1 thread`,
    infer,
    run: (steps) => timed(steps, step),
    close: () => compiled.delete(),
  }
}
