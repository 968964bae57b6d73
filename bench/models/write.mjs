/**
 * @file Writes networks of the shapes that people deploy as ONNX files: `node bench/models/write.mjs FOLDER
 * [--small] [NAME...]`, all where none is named.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { shapes } from './index.mjs'

const { values, positionals } = parseArgs({ options: { small: { type: 'boolean' } }, allowPositionals: true })
const [folder, ...names] = positionals
const unknown = names.find((name) => !Object.hasOwn(shapes, name))
if (folder === undefined || unknown !== undefined) {
  const problem = folder === undefined ? 'expected a folder to write to' : `there is no network named ${unknown}`
  console.error(`${problem}; known: ${Object.keys(shapes).join(', ')}`)
  process.exit(1)
}
mkdirSync(folder, { recursive: true })
for (const name of names.length > 0 ? names : Object.keys(shapes)) {
  const bytes = shapes[name](values.small ? 'small' : 'full')
  writeFileSync(join(folder, `${name}.onnx`), bytes)
  console.log(`${name}.onnx: ${(bytes.length / 1e6).toFixed(2)} MB`)
}
