/** @file espalier compare: files side by side, each figure that of the file. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { mixed, modelBytes } from '../formats/onnx/models.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** An MLPNet with its initial weights, and the same without every other weight of its first layer. */
function files(): [string, string] {
  const folder = temporaryFolder()
  const network = new Network({ machine, model: findModel('mlpnet'), data: synthetic(), batch: 1 })
  const file = weightsOf(network)
  const [dense, half] = ['dense', 'half'].map((name) => join(folder, `${name}.safetensors`))
  writeSafetensors(dense, file)
  const values = network.values('fc1.weight').map((value: number, i: number) => (i % 2 ? value : 0))
  file.tensors.set('fc1.weight', storeFloats(Float32Array.from(values), [40, 784]))
  writeSafetensors(half, file)
  return [dense, half]
}

it('counts, sizes, what is the same, and accuracy are those of each file', async () => {
  const [dense, half] = files()
  const { code, stdout, stderr } = await espalier(
    ['compare', dense, half, '--data', 'synthetic', '--threads', '1', '--json'],
    { cwd: temporaryFolder() },
  )
  expect([code, stderr]).toEqual([0, ''])
  const [said] = jsonLines(stdout)
  const bytes = statSync(dense).size
  expect(said).toMatchObject({
    networks: [
      { file: dense, weights: 32_360, nonzeros: 32_360, multiplyAdds: 32_360, bytes },
      // 31,360 weights of fc1, half of which are left: all of those are in the first, too.
      { file: half, weights: 32_360, nonzeros: 16_680, multiplyAdds: 16_680, bytes, overlap: 16_680 / 32_360 },
    ],
  })
  const alone = await espalier(['eval', half, '--data', 'synthetic', '--json'])
  const { accuracy, loss } = jsonLines(alone.stdout)[0]
  expect(said).toMatchObject({ networks: [{}, { accuracy, loss }] })
})

it('shows a table that fits, and times on the machine that is named', async () => {
  const { code, stdout } = await espalier(['compare', ...files(), '--runtime', 'wasm'], { columns: 200 })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\| network .* same weights as the first \|$/m)
  expect(stdout).toMatch(/half\.safetensors +\| +32,360 \| 48\.45 % \| +16,680 \|/)
  expect(stdout).toMatch(/^ms: one image on wasm/m)
})

it('networks that are not the same have no weights in common, and no distance', async () => {
  const folder = temporaryFolder()
  const write = (name: string, outs: number) => {
    const path = join(folder, name)
    const stored = { W: { shape: [4, outs], values: mixed(4 * outs) } }
    const steps = [{ op: 'MatMul', in: ['x', 'W'], out: 'y' }]
    writeFileSync(path, modelBytes({ inputs: { x: ['N', 4] }, stored, steps, outputs: ['y'] }))
    return path
  }
  const [a, b] = [write('a.onnx', 3), write('b.onnx', 2)]
  const { code, stdout } = await espalier(['compare', a, b, '--runtime', 'none', '--json'])
  expect(code).toBe(0)
  expect(jsonLines(stdout)[0]).toMatchObject({ networks: [{ weights: 12 }, { weights: 8 }] })
  expect(stdout).not.toContain('overlap')
})

it('says what differs: layers, shapes, operators, and which weights of each layer both kept', async () => {
  const folder = temporaryFolder()
  const write = (name: string, outs: number, last: string, zeros: number) => {
    const path = join(folder, name)
    const stored = {
      W: { shape: [4, 6], values: mixed(24).map((value, i) => (i < zeros ? 0 : value || 1)) },
      [last]: { shape: [6, outs], values: mixed(6 * outs) },
    }
    const steps = [
      { op: 'MatMul', in: ['x', 'W'], out: 'h' },
      ...(outs === 3 ? [{ op: 'Relu', in: ['h'], out: 'r' }] : []),
      { op: 'MatMul', in: [outs === 3 ? 'r' : 'h', last], out: 'y' },
    ]
    writeFileSync(path, modelBytes({ inputs: { x: ['N', 4] }, stored, steps, outputs: ['y'] }))
    return path
  }
  const files = [write('a.onnx', 3, 'V', 0), write('b.onnx', 2, 'V', 12), write('c.onnx', 3, 'U', 0)]
  const { stdout } = await espalier(['compare', ...files, '--runtime', 'none', '--json'])
  const { networks } = jsonLines(stdout)[0] as unknown as { networks: object[] }
  expect(networks[1]).toMatchObject({
    overlap: 0.5,
    overlaps: [{ name: 'W', jaccard: 0.5 }],
    differences: {
      missing: [],
      added: [],
      reshaped: [{ name: 'V' }],
      operators: [{ name: 'Relu', first: 1, here: 0 }],
    },
  })
  expect(networks[2]).toMatchObject({
    overlaps: [{ name: 'W', jaccard: 1 }],
    differences: { missing: ['V'], added: ['U'], reshaped: [], operators: [] },
  })
  const picture = join(folder, 'networks.svg')
  const flags = ['--runtime', 'espalier,wasm,onnxruntime', '--threads', '1', '--picture', picture]
  const said = await espalier(['compare', ...files, ...flags], { columns: 300 })
  expect(said.stdout).toMatch(/\| ms \(espalier\) \| ms \(wasm\) \| ms \(onnxruntime\) \|/)
  expect(said.stdout).toMatch(/^ms \(onnxruntime\): one image on onnxruntime-node, 1 thread$/m)
  expect(said.stdout).toContain(`The picture is in ${picture}`)
  const drawn = readFileSync(picture, 'utf8')
  for (const text of ['a.onnx', 'b.onnx', 'c.onnx', 'ms (wasm)', 'file with brotli, kB']) expect(drawn).toContain(text)
  expect(said.stdout).toMatch(/^ms \(wasm\): one image on wasm/m)
  expect(said.stdout).toMatch(/b\.onnx: other shapes: V \[.*\] for \[.*\]$/m)
  expect(said.stdout).toMatch(/b\.onnx: other numbers of nodes: 0 Relu for 1$/m)
  expect(said.stdout).toMatch(/c\.onnx: only the first has V$/m)
})

it.each<[number, string[], string]>([
  [2, ['--runtime', 'wasm,wasm'], '--runtime: expected every runtime once, found wasm twice'],
  [2, ['--runtime', 'tpu'], '--runtime: there is no tpu (known: espalier, wasm, onnxruntime, none)'],
  [2, ['--picture', 'a.png'], '--picture: expected a name that ends in .svg, found a.png'],
  [2, ['--runtime', 'wasm,none'], '--runtime: expected none alone, found wasm,none'],
  [1, [], 'compare needs two files or more, found one'],
  [2, ['--runtime', 'none', '--threads', '2'], '--threads: expected none with --runtime none'],
])('%i files with %j are refused', async (count, flags, sentence) => {
  const { code, stderr } = await espalier(['compare', ...files().slice(0, count), ...flags])
  expect([code, stderr]).toEqual([1, `espalier: ${sentence}\n`])
})
