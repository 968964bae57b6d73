/** @file --compact: what it says, what it writes, and when it refuses. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inferenceGraph } from '../../src/formats/onnx/export.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { random } from '../../src/util/random.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/**
 * LeNet-5 without 5 filters of its first layer and 100 rows of its first linear one; `wrong`: a weight of its
 * last layer. `scattered`: with this share of zeros anywhere in their place.
 */
function lenet(wrong = 0.01, scattered?: number): string {
  const tensors = inferenceGraph(findModel('lenet-5'))
    .withRole('parameter')
    .map(({ name, shape }) => {
      const draw = random(1, name)
      const list = Float32Array.from({ length: sizeOf(shape) }, () => 0.1 * draw.normal())
      if (scattered !== undefined)
        return [
          name,
          storeFloats(
            list.map((w) => (draw.uniform() < scattered ? 0 : w)),
            shape,
          ),
        ] as const
      if (name === 'conv1.weight') list.fill(0, 0, 5 * 25)
      if (name === 'fc1.weight') list.fill(0, 0, 100 * 800)
      if (name === 'fc2.weight') list[0] = wrong
      return [name, storeFloats(list, shape)] as const
    })
  const path = join(temporaryFolder(), 'lenet.safetensors')
  writeSafetensors(path, { tensors: new Map(tensors), metadata: { model: 'lenet-5', classes: '10' } })
  return path
}

it('convert --compact shows what went, the sizes and the proof, and writes a smaller model', async () => {
  const out = join(temporaryFolder(), 'small.onnx')
  const from = lenet()
  const { code, stdout, stderr } = await espalier(['convert', from, out, '--compact'])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\| conv1.weight +\| +1 +\| +20 to 15 +\| +\|$/m)
  expect(stdout).toMatch(/^\| fc1.weight +\| +800 +\| +500 to 400 +\| +\|$/m)
  expect(stdout).toMatch(/^parameters: 431,080 to 343,600 \(79\.71 %\)$/m)
  expect(stdout).toMatch(/^multiplications of an image: 2,293,000 to 1,740,000 \(75\.88 %\)$/m)
  expect(stdout).toMatch(
    /^outputs of the file beside those of what was read, for 8 random inputs, max\|Δ\|\/max\|y\|: logits (0|\d\.\de-\d+)$/m,
  )
  expect(readOnnx(readFileSync(out), out).tensors.get('conv1.weight')!.shape).toEqual([15, 1, 5, 5])

  const json = jsonLines((await espalier(['convert', from, out, '--compact', '--force', '--json'])).stdout)[0]
  expect(json.compact).toMatchObject({
    layers: [
      { name: 'conv1.weight', inputs: { before: 1, after: 1 }, outputs: { before: 20, after: 15 }, stay: {} },
      { name: 'conv2.weight', inputs: { before: 20, after: 15 }, outputs: { before: 50, after: 50 }, stay: {} },
      { name: 'fc1.weight', outputs: { before: 500, after: 400 } },
      { name: 'fc2.weight', inputs: { before: 500, after: 400 }, outputs: { before: 10, after: 10 }, stay: {} },
    ],
  })

  const again = join(temporaryFolder(), 'again.onnx')
  expect((await espalier(['convert', out, again, '--compact'])).stdout).toMatch(/^\| conv1.weight +\| +1 +\| +15 +\| /m)
  const pruned = [
    'prune',
    from,
    '--method',
    'magnitude',
    '--sparsity',
    '0.5',
    '--compact',
    '-o',
    again,
    '--force',
    '--json',
  ]
  expect(jsonLines((await espalier(pruned)).stdout)[0]).toMatchObject({ agreement: { inputs: 8 } })
}, 60_000)

it.each([
  [0, 'no channel is zero, constant or unread'],
  [0.5, '50 % of the stored floats are zero, but scattered: every channel still has weights that are not'],
])('where nothing goes it says why: %s', async (scattered, why) => {
  const out = join(temporaryFolder(), 'same.onnx')
  const { code, stdout } = await espalier(['convert', lenet(0.01, scattered), out, '--compact', '--json'])
  expect(code).toBe(0)
  const { notes } = jsonLines(stdout)[0] as { notes: string[] }
  expect(notes).toContain(
    `--compact left out nothing: ${why}; espalier prune --granularity channel removes whole channels`,
  )
})

it('refuses other formats', async () => {
  const out = join(temporaryFolder(), 'small.onnx')
  const other = await espalier(['convert', lenet(), out.replace('onnx', 'h5'), '--compact'])
  expect(other.stderr).toMatch(/compact is for ONNX models, expected a name that ends in \.onnx/)
}, 60_000)
