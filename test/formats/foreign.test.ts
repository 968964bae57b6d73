import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { expect, it } from 'vitest'
import { encodeSafetensors, storeFloats } from '../../src/formats/safetensors.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

const text = (value: string) => Buffer.from(value, 'latin1')
const zip = (...names: string[]) => zipSync(Object.fromEntries(names.map((name) => [name, Uint8Array.of(1, 2, 3)])))
const tar = () => Buffer.concat([Buffer.alloc(257), text('ustar\0'), Buffer.alloc(512)])
const message = async (name: string, bytes: Uint8Array) => {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, bytes)
  const error = await readWeights(path).catch((error) => error)
  expect(error).toBeInstanceOf(UserError)
  expect(error.message).toMatch(/^\/[^\n]+$/)
  return error.message.replace(/^.*\//, '')
}

it.each<[string, Uint8Array, string]>([
  ['by its bytes', text('\x1c\0\0\0TFL3\x14\0'), 'a TensorFlow Lite model'],
  ['model.pte', text('\x1c\0\0\0ET12\x14\0'), 'an ExecuTorch program'],
  ['model.json', text('{"format": "layers-model", "modelTopology": {}}'), 'a TensorFlow.js model'],
  ['package.json', text('{"name": "x"}'), 'JSON text'],
  ['group1-shard1of1.bin', text('\x10\x20\x30\x40\x50\x60\x70\x80'), 'raw values, which another file describes'],
  ['model.keras', zip('metadata.json', 'config.json', 'model.weights.h5'), 'a Keras model'],
  ['saved_model.pb', text('\x08\x01\x12\x9a\x02\x0a\x05abcde'), 'a TensorFlow or Core ML model'],
  ['frozen.pb', text('\x0a\x10\x0a\x01x\x12\x0bPlaceholder'), 'a TensorFlow model'],
  ['saved.zip', zip('saved_model/saved_model.pb', 'saved_model/variables/variables.index'), 'a TensorFlow model'],
  ['model.ckpt.data-00000-of-00001', text('\x10\x20\x30\x40\x50\x60\x70\x80'), 'a TensorFlow model'],
  ['by its bytes', text('\x08\x04\x12\x9a\x02\x0a\x05abcde'), 'a Core ML model'],
  ['model.mlmodel', text('\x10\x04\x1a\x02abc'), 'a Core ML model'],
  ['by its bytes', text('GGUF\x03\0\0\0'), 'a GGUF file'],
  ['model.xml', text('<?xml version="1.0"?>\n<net name="x" version="11">'), 'an OpenVINO model'],
  ['by its bytes', text("\x93NUMPY\x01\0v\0{'descr': '<f4'"), 'a NumPy array'],
  ['weights.npz', zip('a.npy', 'b.npy'), 'an archive of NumPy arrays'],
  ['weights.zip', zip('weights.safetensors'), 'a zip archive without a PyTorch checkpoint'],
  ['weights.tar', tar(), 'an archive'],
  ['weights.pth.gz', text('\x1f\x8b\x08\0\0\0'), 'an archive'],
  ['weights.pkl', text('\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.'), 'a Python pickle'],
  ['weights.safetensors', text('version https://git-lfs.github.com/spec/v1\noid sha256:1\n'), 'a pointer of Git LFS'],
  ['weights.pth', text('<!DOCTYPE html>\n<html>'), 'a web page, perhaps of a download that failed'],
  ['net.caffemodel', text('\x0a\x05alexn'), 'a model of another program'],
])('%s: is named, with what to do instead', async (name, bytes, is) => {
  const found = await message(name, bytes)
  expect(found.startsWith(`${name} is ${is}, which is not read here: `)).toBe(true)
  expect(found).toMatch(/read here: (export|give|save|unpack|fetch) .+/)
})

it.each([
  ['weights.h5', /^weights\.h5 is not a valid HDF5 file of weights: it does not begin as one does$/],
  ['weights.pth', /^weights\.pth is no PyTorch checkpoint that can be read: it does not begin as one does$/],
  ['weights.safetensors', /^weights\.safetensors is not a valid safetensors file: /],
  ['weights', /^weights is not a valid safetensors file: /],
])('%s of nothing that is known: the message is about what its name says', async (name, expected) => {
  expect(await message(name, text('hello, world'))).toMatch(expected)
  expect(await message(name, new Uint8Array(0))).toMatch(expected)
})

it('a header of any length is not taken for another format', async () => {
  const path = join(temporaryFolder(), 'weights.bin')
  for (let spaces = 0; spaces < 1000; spaces++) {
    const bytes = encodeSafetensors({
      tensors: new Map([['w', storeFloats(Float32Array.of(1), [1])]]),
      metadata: { a: '-'.repeat(spaces) },
    })
    // Padding is not needed to read it.
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const end = bytes.lastIndexOf('}'.charCodeAt(0)) + 1
    const short = Buffer.concat([bytes.subarray(0, end), bytes.subarray(8 + length)])
    short.writeBigUint64LE(BigInt(end - 8), 0)
    writeFileSync(path, short)
    expect((await readWeights(path)).tensors.size, `${end - 8}`).toBe(1)
  }
})
