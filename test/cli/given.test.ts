import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Body, type ModelText, mixed, modelBytes } from '../formats/onnx/models.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const branch = (columns: number): Body => ({
  stored: { w: { shape: [5, columns], values: mixed(5 * columns) } },
  steps: [{ op: 'MatMul', in: ['x', 'w'], out: `y${columns}` }],
  outputs: [`y${columns}`],
})

/** Two networks, of which the rate chooses one. */
const model: ModelText = {
  inputs: { x: ['N', 5], sr: { shape: [], type: 'int64' } },
  stored: { rate: { shape: [], values: [16000], type: 'int64' } },
  steps: [
    { op: 'Equal', in: ['sr', 'rate'], out: 'fast' },
    {
      op: 'If',
      name: 'pick',
      in: ['fast'],
      out: 'y',
      with: { then_branch: { graph: branch(3) }, else_branch: { graph: branch(4) } },
    },
  ],
  outputs: ['y'],
}

it('an input that decides what a model does is said with --given', async () => {
  const folder = temporaryFolder()
  const [from, to] = ['m.onnx', 'out.onnx'].map((name) => join(folder, name))
  writeFileSync(from, modelBytes(model))
  const convert = (...flags: string[]) => espalier(['convert', from, to, '--compact', ...flags])
  const open = await convert()
  expect(open.code).not.toBe(0)
  expect(open.stderr).toContain(
    'node pick (If): its condition is computed while the network runs, and its branches give [1,3] and [1,4]: expected one shape of both, or the condition to be known, as by --given sr=NUMBER',
  )
  expect((await convert('--given', 'sr')).stderr).toContain('Expected NAME=NUMBER, found sr.')
  expect((await convert('--given', 'rate=3')).stderr).toContain('m.onnx has no input rate, which is given as 3')
  const given = await convert('--given', 'sr=16000')
  expect([given.stderr, given.code]).toEqual(['', 0])
}, 60_000)
