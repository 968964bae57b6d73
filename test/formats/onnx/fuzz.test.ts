/**
 * @file Random models through everything that writes: ONNX Runtime finds in the written file what it finds in
 * the one that was read. Every night other models.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeNetwork } from '../../../src/formats/network-file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { floatsAs } from '../../../src/formats/onnx/rewrite.ts'
import { storedWeights } from '../../../src/formats/onnx/weights.ts'
import { toFloats } from '../../../src/formats/safetensors-bytes.ts'
import type { OnnxOptions } from '../../../src/formats/write-onnx.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { pruneOnnx } from '../../../src/methods/by-value/prune-onnx.ts'
import { graphOf } from '../../../src/models/model.ts'
import { compiled, espalier, jsonLines } from '../../cli/cli.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { draws } from '../../support/breadth.ts'
import { runModel } from '../../support/onnx.ts'
import { mixed, modelBytes } from './models.ts'
import { type RandomModel, randomModel } from './random-model.ts'

/** The day; `FUZZ_SEED` gives the models of another. */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Date.now() / 86_400_000))
let files = 0

const options = fc.record(
  {
    sparse: fc.boolean(),
    float16: fc.boolean(),
    foldBatchNorm: fc.boolean(),
    compact: fc.boolean(),
    multipleOf: fc.constantFrom(1, 2, 4),
  },
  { requiredKeys: [] },
)

const feeds = ({ sample }: RandomModel) => {
  const shape = [2, ...sample]
  return new Map([
    [
      'x',
      {
        shape,
        values: mixed(
          shape.reduce((a, b) => a * b, 1),
          13,
        ),
      },
    ],
  ])
}

/**
 * Outputs of one model beside those of another: none is further away than `most`, as a share of the largest.
 */
function expectSame(found: Map<string, Float32Array>, expected: Map<string, Float32Array>, most: number): void {
  expect([...found.keys()]).toEqual([...expected.keys()])
  for (const [name, values] of expected) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6)
    const other = found.get(name)!
    expect(other.length).toBe(values.length)
    values.forEach((value, i) => {
      if (!(Math.abs(value - other[i]) <= most * largest))
        throw new Error(`${name}[${i}] is ${other[i]}, expected ${value} within ${most * largest}`)
    })
  }
}

const check = (property: fc.IAsyncProperty<[RandomModel, OnnxOptions]>, numRuns: number) =>
  fc.assert(property, { seed, ...draws(numRuns) })

describe(`random models of day ${seed}`, () => {
  it('written in other forms compute the same', async () => {
    const folder = temporaryFolder()
    console.log(`FUZZ_SEED=${seed}`)
    await check(
      fc.asyncProperty(randomModel, options, async (model, form) => {
        const bytes = modelBytes(model.text)
        const path = join(folder, `${files++}.onnx`)
        const weights = readOnnx(bytes, 'in.onnx')
        const { onnx } = await writeNetwork(path, { weights, onnx: weights.onnx }, form)
        const found = await runModel(readFileSync(path), feeds(model))
        expectSame(found, await runModel(bytes, feeds(model)), form.float16 ? 2e-2 : 1e-4)
        expect(onnx!.agreement?.lacking).toEqual([])
      }),
      60,
    )
  }, 60_000)

  it('pruned by value have the zeros that were asked for, in the file, and otherwise the bits that they had', async () => {
    const folder = temporaryFolder()
    await check(
      fc.asyncProperty(randomModel, options, async (model, { sparse }) => {
        const bytes = modelBytes(model.text)
        const path = join(folder, `${files++}.onnx`)
        const { onnx, metadata } = readOnnx(bytes, 'in.onnx')
        const found = storedWeights(onnx.file)
        expect(found.untouched).toEqual([])
        const pruned = pruneOnnx(found.weights, { method: 'magnitude', sparsity: 0.6, scope: 'global', seed: 0 })
        await writeNetwork(
          path,
          { weights: { tensors: new Map(), metadata }, onnx, changed: pruned.changes },
          { sparse },
        )
        const after = readOnnx(readFileSync(path), 'out.onnx').onnx.file
        let [size, zeros] = [0, 0]
        for (const [key, read] of onnx.file.stored) {
          const [before, now] = [toFloats(read()), toFloats(after.stored.get(key)!())]
          const isPruned = found.weights.some((weight) => weight.key === key)
          before.forEach((value, i) => {
            if (!Object.is(value, now[i]) && !(isPruned && now[i] === 0)) throw new Error(`${key}[${i}] changed`)
          })
          if (!isPruned) continue
          size += now.length
          zeros += now.filter((value) => value === 0).length
        }
        const had = pruned.tensors.reduce((sum, tensor) => sum + tensor.size - tensor.before, 0)
        expect(zeros).toBe(Math.max(had, size - Math.round(0.4 * size)))
        await runModel(readFileSync(path), feeds(model))
      }),
      60,
    )
  }, 60_000)

  it('whose weights are those of a run compute what the network computes', async () => {
    const folder = temporaryFolder()
    await check(
      fc.asyncProperty(randomModel, options, async (model, form) => {
        const bytes = modelBytes(model.text)
        const [path, again] = [join(folder, `${files++}.onnx`), join(folder, `${files++}.onnx`)]
        const weights = readOnnx(bytes, 'in.onnx')
        const { network } = weights.onnx
        if (network instanceof Error) throw network
        for (const [name, tensor] of network.tensors) {
          const values = toFloats(tensor)
          weights.tensors.set(
            name,
            floatsAs(
              'F32',
              tensor.shape,
              values.map((w, i) => (i % 3 === 0 ? 0 : w * 1.25)),
            ),
          )
        }
        await writeNetwork(path, { weights, onnx: weights.onnx }, { ...form, float16: false })
        await writeNetwork(again, { weights, onnx: weights.onnx })
        const file = readOnnx(readFileSync(again), 'out.onnx')
        // Every tensor of the network has what it was given; those that are stored in halves to their
        // precision.
        const written = file.onnx.network
        if (written instanceof Error) throw written
        expect(prunableParameters(graphOf(written.model)).length).toBe(
          prunableParameters(graphOf(network.model)).length,
        )
        const tensors = [...written.tensors.values()]
        ;[...network.tensors.keys()].forEach((name, i) => {
          const [want, have] = [toFloats(weights.tensors.get(name)!), toFloats(tensors[i])]
          want.forEach((value, k) => {
            if (!(Math.abs(value - have[k]) <= 1e-3 * Math.abs(value))) throw new Error(`${name}[${k}] is ${have[k]}`)
          })
        })
        expectSame(
          await runModel(readFileSync(path), feeds(model)),
          await runModel(readFileSync(again), feeds(model)),
          1e-4,
        )
      }),
      40,
    )
  }, 60_000)

  it('go through the commands', async () => {
    await compiled()
    const folder = temporaryFolder()
    const flags = fc.subarray(['--sparse', '--dtype=float16', '--fold-bn', '--compact'])
    const method = fc.constantFrom('magnitude', 'random', undefined)
    await fc.assert(
      fc.asyncProperty(randomModel, flags, method, async (model, form, pruning) => {
        const [from, to] = [join(folder, `${files++}.onnx`), join(folder, `${files++}.onnx`)]
        const bytes = modelBytes(model.text)
        // What has no weights is refused.
        fc.pre(!pruning || storedWeights(readOnnx(bytes, from).onnx.file).weights.length > 0)
        writeFileSync(from, bytes)
        const args = pruning
          ? ['prune', from, '-o', to, '--method', pruning, '--sparsity', '0.5', ...form]
          : ['convert', from, to, ...form]
        const { code, stdout, stderr } = await espalier([...args, '--json'])
        expect([code, stderr]).toEqual([0, ''])
        const said = jsonLines(stdout)[0] as { floats: { zeros: number }; agreement: { outputs: object[] } }
        expect(said.agreement.outputs).toHaveLength(model.text.outputs.length)
        const after = await runModel(readFileSync(to), feeds(model))
        if (!pruning)
          expectSame(after, await runModel(bytes, feeds(model)), form.includes('--dtype=float16') ? 2e-2 : 1e-4)
        const floats = [...readOnnx(readFileSync(to), to).onnx.file.stored.values()].map((read) => read())
        const zeros = floats.filter(({ dtype }) => dtype.startsWith('F')).flatMap((tensor) => [...toFloats(tensor)])
        expect(said.floats.zeros).toBe(zeros.filter((value) => value === 0).length)
      }),
      { seed, ...draws(10, 1 / 2) },
    )
  }, 120_000)
})
