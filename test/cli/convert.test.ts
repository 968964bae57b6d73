import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSafetensors, storeFloats, toFloats } from '../../src/formats/safetensors.ts'
import { dict, entries, type Written, zipCheckpoint } from '../formats/torch/write.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** LeNet-300-100 as PyTorch saves it, its last layer with so many outputs. */
function checkpoint(folder: string, outputs: number): string {
  const layer = (name: string, out: number, inputs: number): [string, Written][] => [
    [`${name}.weight`, { values: new Float32Array(out * inputs).fill(0.5), shape: [out, inputs] }],
    [`${name}.bias`, { values: new Float32Array(out).fill(1), shape: [out] }],
  ]
  const layers = [...layer('fc1', 300, 784), ...layer('fc2', 100, 300), ...layer('fc3', outputs, 100)]
  const tensors = Object.fromEntries(layers)
  const all = entries({ ...tensors, average: { values: Float32Array.of(1, 2), shape: [1, 2] } })
  const object = dict([
    ['ema', dict([['average', all.at(-1)![1]]])],
    ['state_dict', dict(all.slice(0, -1))],
  ])
  const path = join(folder, `${outputs}.pth`)
  writeFileSync(path, zipCheckpoint({ ...tensors, average: { values: Float32Array.of(1, 2), shape: [1, 2] } }, object))
  return path
}

it.skipIf(process.platform !== 'linux').each(['onnx', 'safetensors', 'h5'])(
  'what cannot be written is called by its own name: .%s',
  async (type) => {
    const out = `/proc/out.${type}`
    const args = ['convert', checkpoint(temporaryFolder(), 10), out, '--model', 'lenet-300-100']
    const { code, stderr } = await espalier(args)
    expect([code, stderr.split('\n').at(-2)]).toEqual([1, expect.stringMatching(`^espalier: cannot write ${out}: `)])
  },
)

it.each(['onnx', 'safetensors', 'h5'])(
  '--model checks that the weights are of that network, also for .%s',
  async (type) => {
    const folder = temporaryFolder()
    const out = join(folder, `out.${type}`)
    const [right, wrong] = [checkpoint(folder, 10), checkpoint(folder, 7)]
    const refused = await espalier(['convert', wrong, out, '--model', 'lenet-300-100'])
    expect(refused.stderr.split('\n').at(-2)).toBe(
      `espalier: ${wrong}: tensor fc3.weight has shape [7,100], expected shape [10,100] as lenet-300-100 has it`,
    )
    expect(refused.code).toBe(1)
    expect(existsSync(out)).toBe(false)
    const done = await espalier(['convert', right, out, '--model', 'lenet-300-100'])
    expect(done).toMatchObject({
      code: 0,
      stderr: `note: ${right} holds tensors under ema too; those under state_dict were taken\n`,
    })
    expect(existsSync(out)).toBe(true)
    if (type !== 'safetensors') return
    const { tensors } = readSafetensors(out)
    expect(toFloats(tensors.get('fc3.bias')!)).toEqual(toFloats(storeFloats(new Float32Array(10).fill(1), [10])))
  },
  60_000,
)
