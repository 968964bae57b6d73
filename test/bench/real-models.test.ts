/** @file A folder of models run here and in ONNX Runtime, pruned, and shown on a page. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compiled, root } from '../cli/cli.ts'
import { written } from '../formats/onnx/build.ts'
import { normal } from '../formats/onnx/same.ts'

const folder = mkdtempSync(join(tmpdir(), 'espalier-real-models-'))
afterAll(() => rmSync(folder, { recursive: true }))
const weight = (name: string, shape: readonly number[]) => ({ shape, values: normal(shape, name) })
const grid = { shape: [1, 3, 3, 2], values: normal([1, 3, 3, 2], 'grid').map((value) => Math.tanh(value)) }

/** A convolution and a product, whose columns the file leaves open. */
const runs = written({
  input: [-1, 2, 5, 5],
  stored: { w: weight('w', [4, 2, 3, 3]), v: weight('v', [6, 36]) },
  steps: [
    { op: 'Conv', inputs: ['x', 'w'] },
    { op: 'Relu', inputs: ['v1'] },
    { op: 'Flatten', inputs: ['v2'] },
    { op: 'Gemm', inputs: ['v3', 'v'], attributes: { transB: 1 } },
  ],
})
const refused = written({
  input: [1, 2, 5, 5],
  stored: { w: weight('w', [4, 2, 3, 3]), grid },
  steps: [
    { op: 'Conv', inputs: ['x', 'w'] },
    { op: 'GridSample', inputs: ['v1', 'grid'] },
  ],
})

interface Row {
  name: string
  agreement: { reason?: string; single: number; batch: number }
  pruned: { method: string; asked: number; distance: number; prunable: { size: number; kept: number } }[]
}
let found: { rows: Row[]; page: string }

beforeAll(async () => {
  await compiled()
  writeFileSync(join(folder, 'runs.onnx'), runs)
  writeFileSync(join(folder, 'refused.onnx'), refused)
  const code = `
    import { Cells } from './bench/cells.mjs'
    import { resultsOf } from './bench/real-models.mjs'
    import { page } from './bench/real-models/page.mjs'
    const cells = new Cells(${JSON.stringify(join(folder, 'cells.jsonl'))})
    const rows = await resultsOf(${JSON.stringify(folder)}, cells, { methods: ['magnitude'], sparsities: [0.2, 0.7] })
    console.log(JSON.stringify({ rows, page: page(rows) }))
    process.exit(0)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: root })
  found = JSON.parse(stdout.split('\n').at(-2)!)
}, 240_000)

it('what runs here agrees with ONNX Runtime, alone and in a batch; what does not says why', () => {
  const [no, yes] = found.rows
  expect([no.name, yes.name]).toEqual(['refused', 'runs'])
  expect(yes.agreement.reason).toBeUndefined()
  expect(yes.agreement.single).toBeLessThan(1e-6)
  expect(yes.agreement.batch).toBeLessThan(1e-6)
  expect(no.agreement.reason).toMatch(/GridSample does not run here/)
})

it('both are pruned as much as asked for, and outputs move with it', () => {
  const [no, yes] = found.rows
  expect(yes.pruned.map(({ prunable }) => prunable)).toMatchObject([
    { size: 288, kept: 230 },
    { size: 288, kept: 86 },
  ])
  expect(no.pruned[1].prunable).toMatchObject({ size: 72, kept: 22 })
  for (const { pruned } of found.rows) {
    expect(pruned[0].distance).toBeGreaterThan(0)
    expect(pruned[1].distance).toBeGreaterThan(2 * pruned[0].distance)
    expect(pruned[1].distance).toBeLessThan(2)
  }
})

it('the page counts what runs, and lists what stops the others', () => {
  expect(found.page).toContain('Of 2 models, **1 run here and agree')
  expect(found.page).toMatch(/^\| refused +\| run +\| refused: node/m)
})
